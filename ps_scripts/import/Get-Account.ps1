<#
.SYNOPSIS
Lists all accounts: every mailbox of any kind, then every user without a mailbox.
.DESCRIPTION
Reads only, in two Exchange calls however many accounts there are. Each row goes out as soon as Exchange has given it,
and nothing is kept here, so memory does not grow with the organization. Mail users, guests and contacts have no
mailbox and no place to log on in this organization's Exchange, and are not listed.

The order is Exchange's own. A read that fails half way ends with that error; the rows before it are then not the
whole list.
.PARAMETER Attribute
Names of properties of a mailbox that each row is to have too; they are empty where there is no mailbox.
.EXAMPLE
./Get-Account.ps1 -Attribute CustomAttribute1, EmailAddresses
.EXAMPLE
./Get-Account.ps1 | Export-Csv -Path accounts.csv -NoTypeInformation
.OUTPUTS
One object an account: Id, Name, DisplayName, UserPrincipalName, PrimarySmtpAddress, RecipientTypeDetails, Hidden (from
the address lists), Enabled (may log on), and the attributes that were named.
.NOTES
Needs an Exchange role that may use Get-EXOMailbox and Get-User, for example View-Only Recipients.
#>
[CmdletBinding()]
param(
    [ValidatePattern('^[A-Za-z][A-Za-z0-9]*$')] [string[]] $Attribute
)

$ErrorActionPreference = 'Stop'
function ConvertTo-Row($Account) {
    # A display name may be empty, and a row always has a name.
    $row = [ordered]@{
        Id                   = "$($Account.Guid)".ToLowerInvariant()
        Name                 = $(if ("$($Account.DisplayName)") { "$($Account.DisplayName)" } else { "$($Account.Name)" })
        DisplayName          = "$($Account.DisplayName)"
        UserPrincipalName    = "$($Account.UserPrincipalName)"
        PrimarySmtpAddress   = "$($Account.PrimarySmtpAddress)"
        RecipientTypeDetails = "$($Account.RecipientTypeDetails)"
        Hidden               = "$($Account.HiddenFromAddressListsEnabled)" -eq 'True'
        Enabled              = "$($Account.AccountDisabled)" -ne 'True'
    }
    foreach ($name in $Attribute) {
        $value = $Account.$name
        $row[$name] = $(if ($value -is [bool]) { $value } else { "$value" })
        if ($value -is [Collections.IEnumerable] -and $value -isnot [string]) {
            $row[$name] = @($value | ForEach-Object { "$_" })
        }
    }
    [pscustomobject] $row
}

Write-Verbose 'Reading all mailboxes.'
$properties = @('HiddenFromAddressListsEnabled', 'AccountDisabled') + $Attribute | Where-Object { $_ } |
    Select-Object -Unique
Get-EXOMailbox -Properties $properties -ResultSize Unlimited -ErrorAction Stop |
    ForEach-Object { ConvertTo-Row $_ }
Write-Verbose 'Reading all users without a mailbox.'
Get-User -RecipientTypeDetails User, DisabledUser -ResultSize Unlimited -ErrorAction Stop |
    ForEach-Object { ConvertTo-Row $_ }
