<#
.SYNOPSIS
Lists everybody who has a right on a mailbox, and through which groups.
.DESCRIPTION
Reads only: the mailbox, its rights, each holder once, and each group among them once, to any depth. One row is one way in: a person, a right and an entry of the mailbox that leads there, by the shortest path. As in every
Windows access list a denial goes before a grant, and the mailbox's own entries go before inherited ones. Groups in
groups are followed whatever their kind; Exchange is sure to do so only where all are security groups.

Left out are NT AUTHORITY\SELF, Exchange's own entries ('\' in the name), contacts and accounts that are gone (a SID).
A Microsoft 365 group or a dynamic group is a row itself: its members are not listed here.
.PARAMETER Mailbox
Address, user principal name, alias, display name or guid of the mailbox.
.EXAMPLE
./Get-MailboxAccess.ps1 -Mailbox info@contoso.example | Where-Object { $_.Effective }
.OUTPUTS
One object a way in: Id, Name and Kind of the person, Right, Entry (allow or deny), Inherited, Path (the groups from the
holder of the entry inwards; empty when it is the person), Effective (whether the person has the right after all).
#>
[CmdletBinding()]
param([Parameter(Mandatory)] [string] $Mailbox)

$ErrorActionPreference, $known, $members = 'Stop', @{}, @{}
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
function ConvertTo-Node($Thing) {
    $name = @("$($Thing.DisplayName)", "$($Thing.Name)" -ne '')[0]
    @{ Id = "$($Thing.Guid)".ToLowerInvariant(); Name = $name; Kind = "$($Thing.RecipientTypeDetails)" }
}
function Find-Holder([string] $Shown) {
    # Exchange shows a user by the user principal name or the name, a group by the name: one object's own.
    if (-not $known.ContainsKey($Shown)) {
        $value = $Shown -replace "'", "''"
        Write-Verbose "Reading who '$Shown' is."
        $found = @(Get-Recipient -Filter "Name -eq '$value' -or WindowsLiveID -eq '$value'" -ResultSize Unlimited -ErrorAction Stop)
        if ($found.Count -eq 0) {
            $found = @(Get-User -Filter "Name -eq '$value' -or UserPrincipalName -eq '$value'" -ResultSize Unlimited -ErrorAction Stop)
        }
        $known[$Shown] = $(if ($found.Count -eq 1) { ConvertTo-Node $found[0] } else { @{ Id = ''; Name = $Shown; Kind = '' } })
    }
    $known[$Shown]
}
function Get-GroupMember($Group) {
    if (-not $members.ContainsKey($Group.Id)) {
        Write-Verbose "Reading the members of the group '$($Group.Name)'."
        $members[$Group.Id] = @(Get-DistributionGroupMember -Identity $Group.Id -ResultSize Unlimited -ErrorAction Stop |
                ForEach-Object { ConvertTo-Node $_ })
    }
    $members[$Group.Id]
}
function Get-WayIn($Entry) {
    $queue, $seen = [Collections.Queue]::new(), @{}
    $queue.Enqueue(@{ Node = (Find-Holder $Entry.Holder); Path = @() })
    while ($queue.Count -gt 0) {
        $at = $queue.Dequeue()
        if ($seen.ContainsKey($at.Node.Id) -or $at.Node.Kind -eq 'MailContact') { continue }
        $seen[$at.Node.Id] = $true
        if ($at.Node.Kind -match '^(Mail\w*Universal\w*Group|RoomList)$') {
            foreach ($node in Get-GroupMember $at.Node) { $queue.Enqueue(@{ Node = $node; Path = $at.Path + $at.Node.Name }) }
        }
        else { @{ Entry = $Entry; Node = $at.Node; Path = $at.Path; Key = "$($at.Node.Id) $($at.Node.Name)" } }
    }
}
function ConvertTo-Entry([string] $Right, [string] $Holder, [bool] $Deny, [bool] $Inherited) {
    # Windows' order: own denials, own grants, inherited denials, inherited grants. The lowest that meets somebody decides.
    $order = 2 * [int] $Inherited + [int] (-not $Deny)
    if ($Holder -notmatch '^S-1-5-|\\|^$') { @{ Right = $Right; Holder = $Holder; Deny = $Deny; Inherited = $Inherited; Order = $order } }
}

$target = Find-One 'mailbox' $Mailbox { Get-Mailbox -Identity $Value -ErrorAction Stop }
if ($null -eq $target) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
        -Message "There is no mailbox '$Mailbox'."
}
$id = "$($target.Guid)".ToLowerInvariant()
Write-Verbose "Reading the rights on the mailbox '$($target.DisplayName)'."
$entries = @(
    Get-EXOMailboxPermission -Identity $id -ResultSize Unlimited -ErrorAction Stop | Where-Object { $_.AccessRights -match '\bFullAccess\b' } |
        ForEach-Object { ConvertTo-Entry 'full-access' $_.User ("$($_.Deny)" -eq 'True') ("$($_.IsInherited)" -eq 'True') }
    Get-EXORecipientPermission -Identity $id -ResultSize Unlimited -ErrorAction Stop | Where-Object { $_.AccessRights -match '\bSendAs\b' } |
        ForEach-Object { ConvertTo-Entry 'send-as' $_.Trustee ("$($_.AccessControlType)" -eq 'Deny') ("$($_.IsInherited)" -eq 'True') }
    foreach ($delegate in $target.GrantSendOnBehalfTo) { ConvertTo-Entry 'send-on-behalf' $delegate $false $false }
)
foreach ($right in 'full-access', 'send-as', 'send-on-behalf') {
    $ways, $order = @($entries | Where-Object { $_.Right -eq $right } | ForEach-Object { Get-WayIn $_ }), @{}
    $ways | Sort-Object -Property { $_.Entry.Order } -Descending | ForEach-Object { $order[$_.Key] = $_.Entry.Order }
    foreach ($way in $ways) {
        [pscustomobject]@{
            Id = $way.Node.Id; Name = $way.Node.Name; Kind = $way.Node.Kind; Right = $right; Inherited = $way.Entry.Inherited
            Entry = $(if ($way.Entry.Deny) { 'deny' } else { 'allow' }); Path = @($way.Path); Effective = $order[$way.Key] % 2 -eq 1
        }
    }
}
