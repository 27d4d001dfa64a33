<#
.SYNOPSIS
Lists the groups whose members can be changed in Exchange Online.
.DESCRIPTION
Reads only. Distribution groups and mail-enabled security groups. Groups that are synchronised from the on-premises
directory are left out: their members can be changed only there. Microsoft 365 groups and dynamic groups are not
distribution groups and are not listed.

The rows come as they are read, in the order in which Exchange gives them. A read that fails half way ends with that
error; the rows before it are then not the whole list.
.EXAMPLE
./Get-Group.ps1
.EXAMPLE
./Get-Group.ps1 -Verbose | Sort-Object -Property Name
.OUTPUTS
One object a group: Id, Name, DisplayName, PrimarySmtpAddress, Kind ('distribution' or 'mail-enabled-security').
.NOTES
Needs an Exchange role that may use Get-DistributionGroup, for example View-Only Recipients. A list is as large as the
organization: at some thousand rows it takes minutes, and the rows that are already there can be used meanwhile.
#>
[CmdletBinding()]
param()

$ErrorActionPreference = 'Stop'
Write-Verbose 'Reading the groups that are not synchronised from on-premises.'
Get-DistributionGroup -Filter "IsDirSynced -eq 'False'" -ResultSize Unlimited -ErrorAction Stop | ForEach-Object {
    $kind = 'distribution'
    if ("$($_.RecipientTypeDetails)" -eq 'MailUniversalSecurityGroup') {
        $kind = 'mail-enabled-security'
    }
    # A display name may be empty, and a row always has a name.
    $name = "$($_.DisplayName)"
    if ($name -eq '') {
        $name = "$($_.Name)"
    }
    [pscustomobject]@{
        Id                 = "$($_.Guid)".ToLowerInvariant()
        Name               = $name
        DisplayName        = "$($_.DisplayName)"
        PrimarySmtpAddress = "$($_.PrimarySmtpAddress)"
        Kind               = $kind
    }
}
