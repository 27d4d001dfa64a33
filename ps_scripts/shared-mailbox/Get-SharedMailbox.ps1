<#
.SYNOPSIS
Lists all shared mailboxes.
.DESCRIPTION
Reads only. Get-EXOMailbox is the cmdlet made for long lists: it reads page by page and, unless asked for more,
brings only the few properties that every mailbox has (its property set Minimum). All that is shown here is among
them, so nothing more is asked for.

The rows come as they are read, in the order in which Exchange gives them. A read that fails half way ends with that
error; the rows before it are then not the whole list.
.EXAMPLE
./Get-SharedMailbox.ps1 -Verbose | Sort-Object -Property Name
.OUTPUTS
One object a mailbox: Id, Name, DisplayName, PrimarySmtpAddress, Alias, UserPrincipalName, ExternalDirectoryObjectId
(the object's id in Entra ID).
.NOTES
Needs an Exchange role that may use Get-EXOMailbox, for example View-Only Recipients. A list is as large as the
organization: at some thousand rows it takes minutes, and the rows that are already there can be used meanwhile.
#>
[CmdletBinding()]
param()

$ErrorActionPreference = 'Stop'
# Exchange chooses, so that only shared mailboxes come over the wire. To read all mailboxes and to choose here would
# take far longer.
$type = 'SharedMailbox'
Write-Verbose 'Reading the shared mailboxes.'
Get-EXOMailbox -RecipientTypeDetails $type -ResultSize Unlimited -ErrorAction Stop | ForEach-Object {
    # A display name may be empty, and a row always has a name.
    $name = $(if ("$($_.DisplayName)") { "$($_.DisplayName)" } else { "$($_.Name)" })
    [pscustomobject]@{
        Id                        = "$($_.Guid)".ToLowerInvariant()
        Name                      = $name
        DisplayName               = "$($_.DisplayName)"
        PrimarySmtpAddress        = "$($_.PrimarySmtpAddress)"
        Alias                     = "$($_.Alias)"
        UserPrincipalName         = "$($_.UserPrincipalName)"
        ExternalDirectoryObjectId = "$($_.ExternalDirectoryObjectId)".ToLowerInvariant()
    }
}
