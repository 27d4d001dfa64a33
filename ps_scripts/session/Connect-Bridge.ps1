<#
.SYNOPSIS
Sets this runspace up: the preferences, the module, and one connection to Exchange Online with the wanted cmdlets.
.DESCRIPTION
A connection that this script made for the same account, with all the wanted cmdlets, is used again while its token
is valid; else there is a new one. What is given decides the log-on: certificate, token, or user name and password.
.PARAMETER CommandName
The Exchange cmdlets to import. One that the roles do not grant is reported as missing; that is no error.
.PARAMETER Organization
The organization's primary .onmicrosoft.com domain.
.PARAMETER AppId
Application (client) id, for a certificate or a token.
.PARAMETER CertificateThumbprint
Thumbprint of a certificate in this computer's store.
.PARAMETER AccessToken
Token for https://outlook.office365.com.
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
    [securestring] $AccessToken,
    [string] $UserName,
    [securestring] $Password,
    [string] $DelegatedOrganization,
    [string] $Environment
)

function Get-Live {
    Get-ConnectionInformation -ErrorAction Stop | Where-Object {
        "$($_.State)" -eq 'Connected' -and "$($_.TokenStatus)" -eq 'Active' -and "$($_.IsEopSession)" -ne 'True'
    } | Select-Object -Last 1 -Property ConnectionId, Organization, @{ n = 'Expires'; e = { [datetimeoffset] $_.TokenExpiryTimeUTC } }
}
# Progress costs round trips, information belongs in the log, and confirmation stays as the system has it.
$global:ErrorActionPreference = 'Stop'
$global:ProgressPreference, $global:InformationPreference = 'SilentlyContinue', 'Continue'
if (-not (Get-Module -Name ExchangeOnlineManagement)) {
    Write-Verbose 'Importing the module ExchangeOnlineManagement.'
    try { Import-Module -Name ExchangeOnlineManagement -Verbose:$false -ErrorAction Stop }
    catch {
        if ($_.FullyQualifiedErrorId -notlike 'Modules_ModuleNotFound*') { throw }
        Write-Error -ErrorId 'Bridge.ModuleMissing' -Category NotInstalled -TargetObject 'ExchangeOnlineManagement' -ErrorAction Stop `
            -Message 'The module ExchangeOnlineManagement is not installed for the PowerShell of this runspace.'
    }
}
$logon = $(if ($CertificateThumbprint) { 'certificate' } elseif ($AccessToken) { 'access-token' } else { 'password' })
$login = @{ CommandName = $CommandName; ShowBanner = $false; SkipLoadingFormatData = $true }
foreach ($name in 'AppId', 'Organization', 'DelegatedOrganization', 'CertificateThumbprint') {
    if ($PSBoundParameters[$name]) { $login[$name] = $PSBoundParameters[$name] }
}
if ($Environment) { $login.ExchangeEnvironmentName = $Environment }
if ($logon -eq 'access-token') { $login.AccessToken = [Net.NetworkCredential]::new('', $AccessToken).Password }
if ($logon -eq 'password') {
    if (-not $UserName -or -not $Password -or -not (Get-Command -Name 'Connect-ExchangeOnline').Parameters.ContainsKey('Credential')) {
        Write-Error -ErrorId 'Bridge.LogonParameterMissing' -Category InvalidArgument -TargetObject 'Credential' -ErrorAction Stop `
            -Message 'No certificate, token, or user name with password was given, or the module takes no user and password any more.'
    }
    $login.Credential = [pscredential]::new($UserName, $Password)
}
# What was asked for stays known, so that a cmdlet that the roles do not grant does not make every call connect anew.
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
    Write-Verbose "Connecting to Exchange Online ($Organization) by $logon, with $($CommandName.Count) cmdlets."
    $null = Connect-ExchangeOnline @login -ErrorAction Stop
    $connection = 'new'
    $live = Get-Live
    if ($Organization -and $live.Organization -and $live.Organization -ne $Organization) {
        Disconnect-ExchangeOnline -Confirm:$false -ErrorAction Stop
        Write-Error -ErrorId 'Bridge.WrongOrganization' -Category InvalidResult -TargetObject $Organization -ErrorAction Stop `
            -Message "Connected to '$($live.Organization)'; '$Organization' was asked for."
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
