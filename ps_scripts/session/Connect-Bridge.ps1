<#
.SYNOPSIS
Sets this runspace up: the preferences, the module, and one connection to Exchange Online with the wanted cmdlets.
.DESCRIPTION
A connection that this script made for the same account, with all the wanted cmdlets, is used again while its token
is valid; else there is a new one, to the organization asked for (the delegated one where there is one) or none at all.
.PARAMETER CommandName
The Exchange cmdlets to import. One that the roles do not grant is reported as missing; that is no error.
.PARAMETER Organization
The organization's primary .onmicrosoft.com domain.
.PARAMETER AppId
Application (client) id, for a certificate, a token, or a managed identity that a user assigned.
.PARAMETER CertificateThumbprint
Thumbprint of a certificate in this computer's store.
.PARAMETER ImportedCertificate
Take the certificate that Import-BridgeCertificate.ps1 kept in this runspace. It is used once.
.PARAMETER AccessToken
Token for https://outlook.office365.com.
.PARAMETER ManagedIdentity
Log on as the identity that Azure gave to this computer.
.PARAMETER UserName
User principal name, with Password, where the module still takes a credential.
.PARAMETER Password
The password of UserName.
.PARAMETER DelegatedOrganization
The customer's organization, for a partner.
.PARAMETER Environment
The cloud, as Connect-ExchangeOnline names it: O365Default, O365USGovDoD ...
.EXAMPLE
./Connect-Bridge.ps1 -CommandName Get-User -Organization contoso.onmicrosoft.com -AppId $id -CertificateThumbprint $thumb
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string[]] $CommandName,
    [string] $Organization,
    [string] $AppId,
    [string] $CertificateThumbprint,
    [switch] $ImportedCertificate,
    [securestring] $AccessToken,
    [switch] $ManagedIdentity,
    [string] $UserName,
    [securestring] $Password,
    [string] $DelegatedOrganization,
    [string] $Environment
)

function Get-Live {
    Get-ConnectionInformation -ErrorAction Stop | Where-Object {
        "$($_.State)" -eq 'Connected' -and "$($_.TokenStatus)" -eq 'Active' -and "$($_.IsEopSession)" -ne 'True'
    } | Select-Object -Last 1 -Property ConnectionId, @{ n = 'Expires'; e = { [datetimeoffset] $_.TokenExpiryTimeUTC } },
    @{ n = 'Organization'; e = { if ($_.DelegatedOrganization) { $_.DelegatedOrganization } else { $_.Organization } } }
}
# Progress costs round trips, information belongs in the log, and confirmation stays as the system has it.
$global:ErrorActionPreference = 'Stop'
$global:ProgressPreference, $global:InformationPreference = 'SilentlyContinue', 'Continue'
if (-not (Get-Module -Name ExchangeOnlineManagement)) {
    Write-Verbose 'Importing the module ExchangeOnlineManagement.'
    Import-Module -Name ExchangeOnlineManagement -Verbose:$false -ErrorAction Stop
}
$logon = $(if ($AccessToken) { 'access-token' } elseif ($ManagedIdentity) { 'managed-identity' } elseif ($UserName) { 'password' } else { 'certificate' })
$login = @{ CommandName = $CommandName; ShowBanner = $false; SkipLoadingFormatData = $true }
foreach ($name in 'AppId', 'Organization', 'DelegatedOrganization', 'CertificateThumbprint') {
    if ($PSBoundParameters[$name]) { $login[$name] = $PSBoundParameters[$name] }
}
if ($Environment) { $login.ExchangeEnvironmentName = $Environment }
if ($ImportedCertificate) { $login, $global:ExoBridgeCertificate = ($login + $global:ExoBridgeCertificate), $null }
if ($AccessToken) { $login.AccessToken = [Net.NetworkCredential]::new('', $AccessToken).Password }
if ($UserName) { $login.Credential = [pscredential]::new($UserName, $Password) }
if ($ManagedIdentity) { $login.ManagedIdentity = $true }
if ($ManagedIdentity -and $AppId) { $login.ManagedIdentityAccountId = $AppId; $login.Remove('AppId') }
# What was asked for stays known, so that a cmdlet that the roles do not grant does not make every call connect anew.
$wanted = $(if ($DelegatedOrganization) { $DelegatedOrganization } else { $Organization })
$account = "$logon|$AppId|$UserName|$Organization|$DelegatedOrganization|$Environment"
$asked = Get-Variable -Name ExoBridge -Scope Global -ValueOnly -ErrorAction Ignore
Write-Verbose 'Reading the connection to Exchange Online.'
$live, $connection = (Get-Live), 'existing'
if ($null -eq $live -or $null -eq $asked -or $asked.ConnectionId -ne "$($live.ConnectionId)" -or $asked.Account -ne $account -or
    ($AccessToken -and $live.Expires -lt [datetimeoffset]::UtcNow.AddMinutes(5)) -or @($CommandName | Where-Object { $asked.CommandName -notcontains $_ })) {
    if ($null -ne $live) {
        Write-Verbose "Disconnecting from Exchange Online ($($live.Organization))."
        Disconnect-ExchangeOnline -Confirm:$false -ErrorAction Stop
    }
    Write-Verbose "Connecting to Exchange Online ($wanted) by $logon, with $($CommandName.Count) cmdlets."
    $null = Connect-ExchangeOnline @login -ErrorAction Stop
    $connection = 'new'
    $live = Get-Live
    if ($wanted -and $live.Organization -and $live.Organization -ne $wanted) {
        Disconnect-ExchangeOnline -Confirm:$false -ErrorAction Stop
        Write-Error -ErrorId 'Bridge.WrongOrganization' -Category InvalidResult -TargetObject $wanted -ErrorAction Stop `
            -Message "Connected to '$($live.Organization)'; '$wanted' was asked for."
    }
    $global:ExoBridge = @{ ConnectionId = "$($live.ConnectionId)"; Account = $account; Logon = $logon; CommandName = $CommandName }
}
$present = @($CommandName | Where-Object { Get-Command -Name $_ -ListImported -ErrorAction Ignore } | Sort-Object)
[pscustomobject]@{
    PowerShellVersion = "$($PSVersionTable.PSVersion)"
    PowerShellEdition = "$($PSVersionTable.PSEdition)"
    LanguageMode      = "$($ExecutionContext.SessionState.LanguageMode)"
    ModuleVersion     = "$((Get-Module -Name ExchangeOnlineManagement | Select-Object -First 1).Version)"
    Organization      = "$($live.Organization)"
    Account           = $account
    Logon             = $logon
    Connection        = $connection
    CommandName       = $present
    MissingCommand    = @($CommandName | Where-Object { $present -notcontains $_ } | Sort-Object)
    ConnectionId      = "$($live.ConnectionId)"
    TokenExpires      = $(if ($live.Expires) { $live.Expires.UtcDateTime.ToString('s') + 'Z' } else { '' })
    ProcessId         = $PID
    MemoryBytes       = [Diagnostics.Process]::GetCurrentProcess().WorkingSet64
}
