<#
.SYNOPSIS
Finds one user by its identity, or all users of which a field has a value.
.DESCRIPTION
Sees users without a mailbox too. Reads only. With -User exactly one user is meant: none is the error Bridge.NotFound,
several are the error Bridge.Ambiguous, which lists them. With -Where none, one and several are all right: one object
comes for each. Exactly one of the two must be given.
.PARAMETER User
User principal name, address, alias, display name or guid of the user.
.PARAMETER Where
Field=Value: the name of a field that Exchange can filter on, and the value that it has. The value is everything
after the first '=', taken as it is.
.EXAMPLE
./Find-Account.ps1 -User jane.doe@contoso.example
.EXAMPLE
./Find-Account.ps1 -Where UserPrincipalName=jane.doe@contoso.example
.OUTPUTS
One object a user: Id, Name, DisplayName, UserPrincipalName, RecipientTypeDetails.
#>
[CmdletBinding()]
param(
    [string] $User,
    [ValidatePattern('^[A-Za-z][A-Za-z0-9]*=')] [string] $Where
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

if ([bool] $User -eq [bool] $Where) {
    Write-Error -ErrorId 'Bridge.EmptyIdentity' -Category InvalidArgument -ErrorAction Stop `
        -Message 'Name the user with -User or with -Where, not with both and not with neither.'
}

if ($Where) {
    $field, $wanted = $Where -split '=', 2
    if ([string]::IsNullOrWhiteSpace($wanted)) {
        Write-Error -ErrorId 'Bridge.EmptyIdentity' -Category InvalidArgument -TargetObject $Where -ErrorAction Stop `
            -Message "'$Where' has no value after the '='; that could mean every user without one."
    }
    # In an OPATH filter a quote inside a quoted value is written twice.
    $filter = "$field -eq '$($wanted -replace "'", "''")'"
    Write-Verbose "Reading the users with $filter."
    $users = @(Get-User -Filter $filter -ResultSize Unlimited -ErrorAction Stop)
}
else {
    $users = @(Find-One 'user' $User { Get-User -Identity $Value -ErrorAction Stop })
    if ($users.Count -eq 0) {
        Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $User -ErrorAction Stop `
            -Message "There is no user '$User'."
    }
}

foreach ($item in $users) {
    [pscustomobject]@{
        Id                   = "$($item.Guid)".ToLowerInvariant()
        Name                 = $(if ("$($item.DisplayName)") { "$($item.DisplayName)" } else { "$($item.Name)" })
        DisplayName          = "$($item.DisplayName)"
        UserPrincipalName    = "$($item.UserPrincipalName)"
        RecipientTypeDetails = "$($item.RecipientTypeDetails)"
    }
}
