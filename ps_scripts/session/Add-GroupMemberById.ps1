<#
.SYNOPSIS
Makes somebody a member of a group; both are known by their ids.
.DESCRIPTION
One Exchange call: nothing is looked up. It is for a batch, which has looked at group and member right before; for
everything else there is Grant-GroupMember.ps1, which takes any name. Who is a member already is unchanged: Exchange
says so itself.
.PARAMETER Group
The id (guid) of the group: a name could be another object's.
.PARAMETER Member
The id (guid) of the new member.
.PARAMETER GroupName
What the group is called, for the result and the messages.
.PARAMETER MemberName
What the member is called, for the result and the messages.
.EXAMPLE
./Add-GroupMemberById.ps1 -Group 8d0b44ce-8a5c-4a0e-9a5d-0d8d2b3ff9f7 -Member 1f0c7b0e-57b4-4f0b-8f0f-2c3f1c1f9d11
.OUTPUTS
The object that Grant-GroupMember.ps1 gives.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [ValidatePattern('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')] [string] $Group,
    [Parameter(Mandatory)] [ValidatePattern('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')] [string] $Member,
    [string] $GroupName,
    [string] $MemberName
)

$ErrorActionPreference = 'Stop'
$already = $false
Write-Verbose "Adding '$MemberName' to the group '$GroupName'."
try {
    Add-DistributionGroupMember -Identity $Group -Member $Member -BypassSecurityGroupManagerCheck `
        -Confirm:$false -ErrorAction Stop
}
catch {
    $type = "$($_.CategoryInfo.Reason) $(($_.Exception.Message -split '\|')[1])"
    if ($type -match '\bOperationRequiresGroupManagerException\b') {
        Write-Error -ErrorId 'Bridge.NotGroupManager' -Category PermissionDenied -TargetObject $Group -ErrorAction Stop `
            -Message "Exchange lets only the managers of the group '$GroupName' change its members."
    }
    if ($type -match '\bMemberAlreadyExistsException\b') { $already = $true } else { throw }
}
$about = @{ MemberId = $Member; MemberName = $MemberName }
[pscustomobject]@{
    Status   = $(if ($already) { 'unchanged' } else { 'changed' })
    Reason   = $(if ($already) { 'already a member' } else { 'member added' })
    Identity = @{ Id = $Group; Name = $GroupName }
    Before   = $about + @{ IsMember = $already }
    After    = $about + @{ IsMember = $true }
}
