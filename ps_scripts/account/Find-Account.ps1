<#
.SYNOPSIS
Finds the one user that an address, a user principal name, an alias, a name or an id means.
.DESCRIPTION
Sees users without a mailbox too. Reads only. Nobody of that name is the error Bridge.NotFound, several are the
error Bridge.Ambiguous, which lists them.
.PARAMETER User
User principal name, address, alias, display name or guid of the user.
.EXAMPLE
./Find-Account.ps1 -User jane.doe@contoso.example
.OUTPUTS
One object: Id, Name, DisplayName, UserPrincipalName, RecipientTypeDetails.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $User
)

$ErrorActionPreference = 'Stop'
function Find-One([string] $Kind, [string] $Value, [scriptblock] $Read) {
    if ([string]::IsNullOrWhiteSpace($Value) -or $Value.Contains('*')) {
        Write-Error -ErrorId 'Bridge.EmptyIdentity' -Category InvalidArgument -TargetObject $Value -ErrorAction Stop `
            -Message "'$Value' does not name one ${Kind}: it is empty or has a '*', which could mean all of them."
    }
    Write-Verbose "Reading the $Kind '$Value'."
    try { $found = @(& $Read) }
    catch {
        $type = 'ManagementObjectNotFoundException'
        if ($_.CategoryInfo.Reason -eq $type -or $_.Exception.Message -match "^[^|]*\|[\w.]*\b$type\|") { return }
        throw
    }
    if ($found.Count -gt 1) {
        $names = $found | Select-Object -First 10 -Property DisplayName, PrimarySmtpAddress, UserPrincipalName |
            ForEach-Object { '{0} <{1}>' -f $_.DisplayName, (@($_.PrimarySmtpAddress, $_.UserPrincipalName, '') -ne $null)[0] }
        Write-Error -ErrorId 'Bridge.Ambiguous' -Category InvalidArgument -TargetObject $Value -ErrorAction Stop `
            -Message "'$Value' can mean $($found.Count) objects of the kind ${Kind}: $($names -join ', ')."
    }
    $found
}

$account = Find-One 'user' $User { Get-User -Identity $Value -ErrorAction Stop }
if ($null -eq $account) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $User -ErrorAction Stop `
        -Message "There is no user '$User'."
}

[pscustomobject]@{
    Id                   = "$($account.Guid)".ToLowerInvariant()
    Name                 = $(if ("$($account.DisplayName)") { "$($account.DisplayName)" } else { "$($account.Name)" })
    DisplayName          = "$($account.DisplayName)"
    UserPrincipalName    = "$($account.UserPrincipalName)"
    RecipientTypeDetails = "$($account.RecipientTypeDetails)"
}
