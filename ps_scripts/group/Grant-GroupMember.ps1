<#
.SYNOPSIS
Makes somebody a member of a distribution group or a mail-enabled security group.
.DESCRIPTION
Two Exchange calls: one finds the group and the member with one filter, one writes by guid. Exchange itself says when
somebody is a member already, and that is unchanged. A group whose members are not changed here is refused with the
reason: it is synchronised, a Microsoft 365 group or a dynamic one, or Exchange lets only its managers do it.
.PARAMETER Group
Address, alias, name or guid of the group.
.PARAMETER Member
Address, user principal name, alias, name or guid of the new member: a mailbox, a mail user, a contact or a group.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Grant-GroupMember.ps1 -Group staff@contoso.example -Member jane.doe@contoso.example -DryRun
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
if ($null -eq $target) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Group -ErrorAction Stop `
        -Message "There is no distribution group or mail-enabled security group '$Group'."
}
$recipient = @(Select-Named $Member $seen.Rows)
if ($recipient.Count -ne 1) { $recipient = Find-One 'recipient' $Member { $recipient } }
if ($null -eq $recipient) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Member -ErrorAction Stop `
        -Message "There is no recipient '$Member'; a user without a mailbox or an address cannot be a member."
}
$groupId = "$($target.Guid)".ToLowerInvariant()
$memberId = "$($recipient.Guid)".ToLowerInvariant()
if ($DryRun) {
    Write-Verbose "Reading whether '$($recipient.DisplayName)' is a member of the group '$($target.DisplayName)'."
    $dn = "$($target.DistinguishedName)" -replace "'", "''"
    $already = @(Get-Recipient -Filter "Guid -eq '$memberId' -and MemberOfGroup -eq '$dn'" -ResultSize Unlimited -ErrorAction Stop).Count -gt 0
}
else {
    $already = $false
    Write-Verbose "Adding '$($recipient.DisplayName)' to the group '$($target.DisplayName)'."
    try {
        Add-DistributionGroupMember -Identity $groupId -Member $memberId -BypassSecurityGroupManagerCheck `
            -Confirm:$false -ErrorAction Stop
    }
    catch {
        $type = "$($_.CategoryInfo.Reason) $(($_.Exception.Message -split '\|')[1])"
        if ($type -match '\bOperationRequiresGroupManagerException\b') {
            $owner = $(if ("$($target.ManagedBy)") { 'an owner' } else { 'no owner' })
            Write-Error -ErrorId 'Bridge.NotGroupManager' -Category PermissionDenied -TargetObject $Group -ErrorAction Stop `
                -Message "The group '$($target.DisplayName)' has $owner, and Exchange lets only its managers change the members."
        }
        if ($type -match '\bMemberAlreadyExistsException\b') { $already = $true } else { throw }
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
