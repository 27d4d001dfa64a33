<#
.SYNOPSIS
Takes somebody out of a distribution group or a mail-enabled security group.
.DESCRIPTION
Looks both up, and writes by guid. Whoever is not a member, a member that does not exist and a group that does not
exist are unchanged: there is nothing to take away. An ambiguous name is refused, never taken as gone, and so is a
group that is synchronised from the on-premises directory. Only a dry run reads the members.
.PARAMETER Group
Address, alias, name or guid of the group.
.PARAMETER Member
Address, user principal name, alias, name or guid of the member.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Revoke-GroupMember.ps1 -Group staff@contoso.example -Member jane.doe@contoso.example -DryRun
.OUTPUTS
One object: Status, Reason, Identity (of the group), Before, After.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Group,
    [Parameter(Mandatory)] [string] $Member,
    [switch] $DryRun
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

$reason = ''
$groupId = ''
$groupName = $Group
$about = @{ MemberId = ''; MemberName = $Member }
$target = Find-One 'group' $Group { Get-DistributionGroup -Identity $Value -ErrorAction Stop }
if ($null -eq $target) { $reason = 'the group does not exist' }
else {
    $groupId = "$($target.Guid)".ToLowerInvariant()
    $groupName = "$($target.DisplayName)"
    if ("$($target.IsDirSynced)" -eq 'True') {
        Write-Error -ErrorId 'Bridge.SynchronizedFromOnPremises' -Category InvalidOperation -TargetObject $Group -ErrorAction Stop `
            -Message "The group '$groupName' is synchronised from on-premises; its members are changed there."
    }
    $recipient = Find-One 'recipient' $Member { Get-Recipient -Identity $Value -ErrorAction Stop }
    if ($null -eq $recipient) { $reason = 'the member does not exist' }
    else { $about = @{ MemberId = "$($recipient.Guid)".ToLowerInvariant(); MemberName = "$($recipient.DisplayName)" } }
}
$memberId = $about.MemberId

if ($reason -eq '' -and $DryRun) {
    Write-Verbose "Reading the members of the group '$groupName'."
    $members = @(Get-DistributionGroupMember -Identity $groupId -ResultSize Unlimited -ErrorAction Stop)
    if (@($members | Where-Object { "$($_.Guid)" -eq $memberId }).Count -eq 0) { $reason = 'not a member' }
}
elseif ($reason -eq '') {
    Write-Verbose "Removing '$($about.MemberName)' from the group '$groupName'."
    try {
        Remove-DistributionGroupMember -Identity $groupId -Member $memberId -BypassSecurityGroupManagerCheck `
            -Confirm:$false -ErrorAction Stop
    }
    catch {
        $type = 'MemberNotFoundException'
        if ($_.CategoryInfo.Reason -ne $type -and $_.Exception.Message -notmatch "^[^|]*\|[\w.]*\b$type\|") { throw }
        $reason = 'not a member'
    }
}

$gone = $reason -ne ''
[pscustomobject]@{
    Status   = $(if ($gone) { 'unchanged' } else { 'changed' })
    Reason   = $(if ($gone) { $reason } elseif ($DryRun) { 'would remove the member' } else { 'member removed' })
    Identity = @{ Id = $groupId; Name = $groupName }
    Before   = $about + @{ IsMember = -not $gone }
    After    = $about + @{ IsMember = $false }
}
