<#
.SYNOPSIS
Takes somebody out of a distribution group or a mail-enabled security group.
.DESCRIPTION
Finds the group and the member with one filter, and writes by guid. Whoever is not a member, a member that does not
exist and a group that does not exist are unchanged. An ambiguous name is refused, never taken as gone, and so is a
group whose members are not changed here, with the reason.
.PARAMETER Group
Address, alias, name or guid of the group.
.PARAMETER Member
Address, user principal name, alias, name or guid of the member.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Revoke-GroupMember.ps1 -Group staff@contoso.example -Member jane.doe@contoso.example -DryRun
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
function Get-Term([string] $Value) {
    $fields = @('Alias', 'Name', 'DisplayName')
    if ($Value -match '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$') { $fields += 'Guid', 'ExternalDirectoryObjectId' }
    if ($Value.Contains('@')) { $fields += 'EmailAddresses', 'WindowsLiveID' }
    ($fields | ForEach-Object { "$_ -eq '$($Value -replace "'", "''")'" }) -join ' -or '
}
function Select-Named([string] $Value, [object[]] $Rows) {
    # Ids and addresses are one object's own and go before names, which several may have.
    $own = @($Rows | Where-Object {
            @($_.Guid, $_.ExternalDirectoryObjectId, $_.WindowsLiveID) + @($_.EmailAddresses) -replace '^\w+:' -contains $Value })
    if ($own.Count -gt 0) { $own } else { $Rows | Where-Object { @($_.Alias, $_.Name, $_.DisplayName) -contains $Value } }
}
$seen = @{}
$others = @{ GroupMailbox = 'Microsoft 365 group'; DynamicDistributionGroup = 'dynamic distribution group' }
$target = Find-One 'group' $Group {
    $seen.Rows = @(Get-Recipient -Filter "$(Get-Term $Group) -or $(Get-Term $Member)" -ResultSize Unlimited -ErrorAction Stop)
    Select-Named $Value ($seen.Rows | Where-Object { "$($_.RecipientTypeDetails)" -match 'Group|RoomList' })
}
$kind = $others["$($target.RecipientTypeDetails)"]
if ($kind -or "$($target.IsDirSynced)" -eq 'True') {
    $errorId = $(if ($kind) { 'Bridge.NotWritable' } else { 'Bridge.SynchronizedFromOnPremises' })
    $why = $(if ($kind) { "a $kind; its members are not changed here" } else { 'synchronised from on-premises; its members are changed there' })
    Write-Error -ErrorId $errorId -Category InvalidOperation -TargetObject $Group -ErrorAction Stop `
        -Message "The group '$($target.DisplayName)' is $why."
}
$reason = $groupId = ''
$groupName = $Group
$about = @{ MemberId = ''; MemberName = $Member }
if ($null -eq $target) { $reason = 'the group does not exist' }
else {
    $groupId = "$($target.Guid)".ToLowerInvariant()
    $groupName = "$($target.DisplayName)"
    $recipient = @(Select-Named $Member $seen.Rows)
    if ($recipient.Count -ne 1) { $recipient = Find-One 'recipient' $Member { $recipient } }
    if ($null -eq $recipient) { $reason = 'the member does not exist' }
    else { $about = @{ MemberId = "$($recipient.Guid)".ToLowerInvariant(); MemberName = "$($recipient.DisplayName)" } }
}
if ($reason -eq '' -and $DryRun) {
    Write-Verbose "Reading whether '$($about.MemberName)' is a member of the group '$groupName'."
    $dn = "$($target.DistinguishedName)" -replace "'", "''"
    $filter = "Guid -eq '$($about.MemberId)' -and MemberOfGroup -eq '$dn'"
    if (-not (Get-Recipient -Filter $filter -ResultSize Unlimited -ErrorAction Stop)) { $reason = 'not a member' }
}
elseif ($reason -eq '') {
    Write-Verbose "Removing '$($about.MemberName)' from the group '$groupName'."
    try {
        Remove-DistributionGroupMember -Identity $groupId -Member $about.MemberId -BypassSecurityGroupManagerCheck `
            -Confirm:$false -ErrorAction Stop
    }
    catch {
        $type = "$($_.CategoryInfo.Reason) $(($_.Exception.Message -split '\|')[1])"
        if ($type -match '\bOperationRequiresGroupManagerException\b') {
            $owner = $(if ("$($target.ManagedBy)") { 'an owner' } else { 'no owner' })
            Write-Error -ErrorId 'Bridge.NotGroupManager' -Category PermissionDenied -TargetObject $Group -ErrorAction Stop `
                -Message "The group '$groupName' has $owner, and Exchange lets only its managers change the members."
        }
        if ($type -match '\bMemberNotFoundException\b') { $reason = 'not a member' } else { throw }
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
