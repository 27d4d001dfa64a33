<#
.SYNOPSIS
Lists every group that somebody is in and every mailbox right that they have, directly and through groups.
.DESCRIPTION
Reads only: the groups upwards to any depth, each once; Send As in one call for each of these; and the rights on every
mailbox, because Exchange cannot be asked where somebody has Full Access. That last part takes as many Exchange calls as
there are mailboxes; each row goes out as soon as it is known.

One row is one way in, by the shortest path. As in every Windows access list a denial goes before a grant, and the
mailbox's own entries go before inherited ones. Groups in groups are followed whatever their kind; Exchange is sure to
do so only where all are security groups. What is everybody's in the own mailbox (NT AUTHORITY\SELF) is left out.
.PARAMETER User
Address, user principal name, alias, display name or guid of the person.
.EXAMPLE
./Get-PersonAccess.ps1 -User jane.doe@contoso.example | Where-Object { $_.Right -eq 'full-access' }
.OUTPUTS
One object a way in: Id, Name and Kind of the group or the mailbox, Right (member, full-access, send-as, send-on-behalf),
Entry (allow or deny), Inherited, Path (the groups between, from the holder of the entry inwards; empty when it is the
person), Effective (whether the person has the right after all).
#>
[CmdletBinding()]
param([Parameter(Mandatory)] [string] $User)

$ErrorActionPreference, $paths, $sendAs = 'Stop', @{}, @{}
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
function ConvertTo-Way($Thing, [string] $Right, [bool] $Deny, [bool] $Inherited, [object[]] $Path) {
    # Windows' order: own denials, own grants, inherited denials, inherited grants. The lowest decides.
    $name = @("$($Thing.DisplayName)", "$($Thing.Name)" -ne '')[0]
    [pscustomobject]@{
        Id = "$($Thing.Guid)".ToLowerInvariant(); Name = $name; Kind = "$($Thing.RecipientTypeDetails)"; Right = $Right
        Inherited = $Inherited; Entry = $(if ($Deny) { 'deny' } else { 'allow' }); Path = $Path
        Effective = 2 * [int] $Inherited + [int] (-not $Deny)
    }
}

$target = Find-One 'recipient' $User { Get-Recipient -Identity $Value -ErrorAction Stop }
if ($null -eq $target) { $target = Find-One 'user' $User { Get-User -Identity $Value -ErrorAction Stop } }
if ($null -eq $target) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $User -ErrorAction Stop `
        -Message "There is no user or recipient '$User'."
}
$queue, $seen = [Collections.Queue]::new(), @{ "$($target.Guid)" = $true }
$queue.Enqueue(@{ Thing = $target; Path = @() })
while ($queue.Count -gt 0) {
    $at = $queue.Dequeue()
    # The names by which Exchange shows who holds a right; they are one object's own.
    $at.Thing.Name, $at.Thing.WindowsLiveID, $at.Thing.UserPrincipalName | Where-Object { $_ } | ForEach-Object { $paths["$_"] = $at.Path }
    if ("$($at.Thing.RecipientTypeDetails)" -notmatch '^(MailContact|MailUniversalDistributionGroup|RoomList|GroupMailbox|DynamicDistributionGroup)$') {
        Write-Verbose "Reading where '$($at.Thing.Name)' has Send As."
        Get-RecipientPermission -Trustee "$($at.Thing.Guid)" -ResultSize Unlimited -ErrorAction Stop |
            Where-Object { $_.AccessRights -match '\bSendAs\b' } |
            ForEach-Object { $sendAs["$($_.Identity)"] = @($sendAs["$($_.Identity)"]) + @{ Row = $_; Path = $at.Path } }
    }
    Write-Verbose "Reading the groups that '$($at.Thing.Name)' is in."
    $filter = "Members -eq '$("$($at.Thing.DistinguishedName)" -replace "'", "''")'"
    foreach ($group in @(Get-Recipient -Filter $filter -ResultSize Unlimited -ErrorAction Stop)) {
        if ($seen.ContainsKey("$($group.Guid)")) { continue }
        $seen["$($group.Guid)"] = $true
        $way = ConvertTo-Way $group 'member' $false $false $at.Path
        $queue.Enqueue(@{ Thing = $group; Path = @($way.Name) + $at.Path })
        $way.Effective = $true
        $way
    }
}
Write-Verbose 'Reading all mailboxes.'
Get-EXOMailbox -Properties GrantSendOnBehalfTo -ResultSize Unlimited -ErrorAction Stop | ForEach-Object {
    $mailbox = $_
    Write-Verbose "Reading the rights on the mailbox '$($mailbox.Name)'."
    $ways = @(
        Get-EXOMailboxPermission -Identity "$($mailbox.Guid)" -ResultSize Unlimited -ErrorAction Stop |
            Where-Object { $_.AccessRights -match '\bFullAccess\b' -and $paths.ContainsKey("$($_.User)") } |
            ForEach-Object { ConvertTo-Way $mailbox 'full-access' ("$($_.Deny)" -eq 'True') ("$($_.IsInherited)" -eq 'True') $paths["$($_.User)"] }
        foreach ($one in @($sendAs["$($mailbox.Name)"]) -ne $null) {
            ConvertTo-Way $mailbox 'send-as' ("$($one.Row.AccessControlType)" -eq 'Deny') ("$($one.Row.IsInherited)" -eq 'True') $one.Path
        }
        foreach ($one in @($mailbox.GrantSendOnBehalfTo) -ne $null) {
            if ($paths.ContainsKey("$one")) { ConvertTo-Way $mailbox 'send-on-behalf' $false $false $paths["$one"] }
        }
    )
    $order = @{}
    $ways | Sort-Object -Property Effective -Descending | ForEach-Object { $order[$_.Right] = $_.Effective }
    foreach ($way in $ways) { $way.Effective = $order[$way.Right] % 2 -eq 1; $way }
}
