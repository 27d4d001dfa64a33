<#
.SYNOPSIS
Makes somebody a member of a distribution group or a mail-enabled security group.
.DESCRIPTION
Looks both up, and writes by guid. Exchange itself says when somebody is a member already, and that is unchanged. Only
a dry run reads the members, since a group can have many. A group that is synchronised from the on-premises directory
is refused.
.PARAMETER Group
Address, alias, name or guid of the group.
.PARAMETER Member
Address, user principal name, alias, name or guid of the new member: a mailbox, a mail user, a contact or a group.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Grant-GroupMember.ps1 -Group staff@contoso.example -Member jane.doe@contoso.example -DryRun
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

$target = Find-One 'group' $Group { Get-DistributionGroup -Identity $Value -ErrorAction Stop }
if ($null -eq $target) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Group -ErrorAction Stop `
        -Message "There is no distribution group or mail-enabled security group '$Group'."
}
if ("$($target.IsDirSynced)" -eq 'True') {
    Write-Error -ErrorId 'Bridge.SynchronizedFromOnPremises' -Category InvalidOperation -TargetObject $Group -ErrorAction Stop `
        -Message "The group '$($target.DisplayName)' is synchronised from on-premises; its members are changed there."
}
$recipient = Find-One 'recipient' $Member { Get-Recipient -Identity $Value -ErrorAction Stop }
if ($null -eq $recipient) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Member -ErrorAction Stop `
        -Message "There is no recipient '$Member'; a user without a mailbox or an address cannot be a member."
}
$groupId = "$($target.Guid)".ToLowerInvariant()
$memberId = "$($recipient.Guid)".ToLowerInvariant()

$already = $false
if ($DryRun) {
    Write-Verbose "Reading the members of the group '$($target.DisplayName)'."
    $members = @(Get-DistributionGroupMember -Identity $groupId -ResultSize Unlimited -ErrorAction Stop)
    $already = @($members | Where-Object { "$($_.Guid)" -eq $memberId }).Count -gt 0
}
else {
    Write-Verbose "Adding '$($recipient.DisplayName)' to the group '$($target.DisplayName)'."
    try {
        Add-DistributionGroupMember -Identity $groupId -Member $memberId -BypassSecurityGroupManagerCheck `
            -Confirm:$false -ErrorAction Stop
    }
    catch {
        $type = 'MemberAlreadyExistsException'
        if ($_.CategoryInfo.Reason -ne $type -and $_.Exception.Message -notmatch "^[^|]*\|[\w.]*\b$type\|") { throw }
        $already = $true
    }
}

$about = @{ MemberId = $memberId; MemberName = "$($recipient.DisplayName)" }
[pscustomobject]@{
    Status   = $(if ($already) { 'unchanged' } else { 'changed' })
    Reason   = $(if ($already) { 'already a member' } elseif ($DryRun) { 'would add the member' } else { 'member added' })
    Identity = @{ Id = $groupId; Name = "$($target.DisplayName)" }
    Before   = $about + @{ IsMember = $already }
    After    = $about + @{ IsMember = $true }
}
