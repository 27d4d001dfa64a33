<#
.SYNOPSIS
Lists the direct members of a group that is known by its id.
.DESCRIPTION
Reads only, with one Exchange call: nothing is looked up. It is for a batch, which has found its groups already; for
everything else there is Get-GroupMember.ps1, which takes any name of a group and refuses a kind of group whose members
are not kept as members of a distribution group.

A group in the group is one member; its own members are not listed. The rows come as they are read, and have only what
a batch compares: to whom the names in its file belong, and who is there already. A read that fails half way ends with
that error; the rows before it are then not all members.
.PARAMETER Group
The id (guid) of the group: a name could be another object's.
.PARAMETER GroupName
What the group is called, for the verbose line.
.EXAMPLE
./Get-GroupMemberById.ps1 -Group 8d0b44ce-8a5c-4a0e-9a5d-0d8d2b3ff9f7
.EXAMPLE
./Get-GroupMemberById.ps1 -Group 8d0b44ce-8a5c-4a0e-9a5d-0d8d2b3ff9f7 -GroupName Staff
.OUTPUTS
One object a member: Id, DisplayName, PrimarySmtpAddress.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)]
    [ValidatePattern('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')]
    [string] $Group,

    [string] $GroupName
)

$ErrorActionPreference = 'Stop'
Write-Verbose "Reading the members of the group '$GroupName'."
Get-DistributionGroupMember -Identity $Group -ResultSize Unlimited -ErrorAction Stop | ForEach-Object {
    [pscustomobject]@{
        Id                 = "$($_.Guid)".ToLowerInvariant()
        DisplayName        = "$($_.DisplayName)"
        PrimarySmtpAddress = "$($_.PrimarySmtpAddress)"
    }
}
