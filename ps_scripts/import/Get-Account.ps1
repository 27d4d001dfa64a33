<#
.SYNOPSIS
Lists all accounts: every mailbox of any kind, then every user without a mailbox.
.DESCRIPTION
Reads only, in two Exchange calls however many accounts there are. Each row goes out as soon as Exchange has given it,
and nothing is kept here, so memory does not grow with the organization. Mail users, guests and contacts have no
mailbox and no place to log on in this organization's Exchange, and are not listed.

The order is Exchange's own. A read that fails half way ends with that error; the rows before it are then not the
whole list.
.EXAMPLE
./Get-Account.ps1
.EXAMPLE
./Get-Account.ps1 | Export-Csv -Path accounts.csv -NoTypeInformation
.OUTPUTS
One object an account: Id, Name, DisplayName, UserPrincipalName, PrimarySmtpAddress, RecipientTypeDetails, Hidden (from
the address lists), Enabled (may log on).
.NOTES
Needs an Exchange role that may use Get-EXOMailbox and Get-User, for example View-Only Recipients.
#>
[CmdletBinding()]
param()

$ErrorActionPreference = 'Stop'
function ConvertTo-Row($Account) {
    # A display name may be empty, and a row always has a name.
    [pscustomobject]@{
        Id                   = "$($Account.Guid)".ToLowerInvariant()
        Name                 = $(if ("$($Account.DisplayName)") { "$($Account.DisplayName)" } else { "$($Account.Name)" })
        DisplayName          = "$($Account.DisplayName)"
        UserPrincipalName    = "$($Account.UserPrincipalName)"
        PrimarySmtpAddress   = "$($Account.PrimarySmtpAddress)"
        RecipientTypeDetails = "$($Account.RecipientTypeDetails)"
        Hidden               = "$($Account.HiddenFromAddressListsEnabled)" -eq 'True'
        Enabled              = "$($Account.AccountDisabled)" -ne 'True'
    }
}

Write-Verbose 'Reading all mailboxes.'
Get-EXOMailbox -Properties HiddenFromAddressListsEnabled, AccountDisabled -ResultSize Unlimited -ErrorAction Stop |
    ForEach-Object { ConvertTo-Row $_ }
Write-Verbose 'Reading all users without a mailbox.'
Get-User -RecipientTypeDetails User, DisabledUser -ResultSize Unlimited -ErrorAction Stop |
    ForEach-Object { ConvertTo-Row $_ }
