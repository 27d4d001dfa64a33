<#
.SYNOPSIS
Lists all memberships of distribution groups and mail-enabled security groups.
.DESCRIPTION
Reads only: the groups in one Exchange call, and the direct members of each group in one more. A member that is a group
is one row; its own members are rows of that group. Groups that are synchronised from the on-premises directory are
listed too. Each row goes out as soon as Exchange has given it, and nothing is kept here, so memory does not grow with
the organization.

The order is Exchange's own. A read that fails half way ends with that error; the rows before it are then not the
whole list. A group that somebody deletes meanwhile is such a failure: without it nobody could tell a group without
members from one that could not be read.
.EXAMPLE
./Get-Membership.ps1
.EXAMPLE
./Get-Membership.ps1 | Group-Object -Property Name -NoElement
.OUTPUTS
One object a membership: Id and Name of the group, MemberId, MemberName, MemberKind (RecipientTypeDetails).
.NOTES
Needs an Exchange role that may use Get-DistributionGroup and Get-DistributionGroupMember, for example View-Only
Recipients. It takes as many calls as there are groups.
#>
[CmdletBinding()]
param()

$ErrorActionPreference = 'Stop'
function Get-Name($Thing) {
    # A display name may be empty, and a row always has a name.
    if ("$($Thing.DisplayName)") { "$($Thing.DisplayName)" } else { "$($Thing.Name)" }
}

Write-Verbose 'Reading all groups.'
Get-DistributionGroup -ResultSize Unlimited -ErrorAction Stop | ForEach-Object {
    $id = "$($_.Guid)".ToLowerInvariant()
    $name = Get-Name $_
    Write-Verbose "Reading the members of the group '$name'."
    Get-DistributionGroupMember -Identity $id -ResultSize Unlimited -ErrorAction Stop | ForEach-Object {
        [pscustomobject]@{
            Id         = $id
            Name       = $name
            MemberId   = "$($_.Guid)".ToLowerInvariant()
            MemberName = Get-Name $_
            MemberKind = "$($_.RecipientTypeDetails)"
        }
    }
}
