<#
.SYNOPSIS
Lists who has which right on one shared mailbox or on all: Full Access, Send As and Send on Behalf.
.DESCRIPTION
Reads only. Only what somebody was given counts: the owner's own entry (NT AUTHORITY\SELF), Exchange's own entries (with
a '\' in the holder's name), inherited entries and denials are left out. The rows come mailbox by mailbox.

Exchange gives Send As for all mailboxes at once and Full Access for one at a time. The holders of a mailbox that were
not seen before cost one call more, and another where some of them are users without an address.
.PARAMETER Mailbox
Address, alias, name or guid of one shared mailbox. Without it all are read.
.EXAMPLE
./Get-SharedMailboxRight.ps1 -Mailbox info@contoso.example
.OUTPUTS
One object a right: Id, Name and PrimarySmtpAddress of the mailbox, UserId, UserName, UserAddress and UserKind of the
holder, Right. UserKind is user, group, deleted (UserName is then a SID) or unknown; the last two have no UserId.
#>
[CmdletBinding()]
param([ValidatePattern('\S')] [string] $Mailbox)

$ErrorActionPreference = 'Stop'
$holders = @{}
$sendAs = @{}
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
filter Select-Granted {
    $shown = "$($_.User)$($_.Trustee)"
    $given = "$($_.IsInherited) $($_.Deny) $($_.AccessControlType)" -notmatch '\b(True|Deny)\b'
    if ($given -and $_.AccessRights -match '\b(FullAccess|SendAs)\b' -and -not $shown.Contains('\')) {
        @{ On = "$($_.Identity)"; Shown = $shown }
    }
}
function Add-Holder([string[]] $Shown, [string] $Key, [scriptblock] $Read) {
    # Twenty a filter, since a filter has a greatest length. Both the key and the name are one object's own.
    for ($first = 0; $first -lt $Shown.Count; $first += 20) {
        $some = @($Shown[$first..($first + 19)] | Where-Object { $_ })
        $terms = $some -replace "'", "''" | ForEach-Object { "Name -eq '$_'"; if ($_.Contains('@')) { "$Key -eq '$_'" } }
        $filter = $terms -join ' -or '
        Write-Verbose "Reading the holders with $filter."
        $rows = @(& $Read)
        foreach ($one in $some) {
            $found = @($rows | Where-Object { "$($_.$Key)" -eq $one -or "$($_.Name)" -eq $one })
            if ($found.Count -gt 0) { $holders[$one] = $(if ($found.Count -eq 1) { $found[0] }) }
        }
    }
}
function Write-Right([object] $Target) {
    $id = "$($Target.Guid)".ToLowerInvariant()
    $name = @("$($Target.DisplayName)", "$($Target.Name)" -ne '')[0]
    Write-Verbose "Reading full-access on the mailbox '$name'."
    $entries = @(Get-EXOMailboxPermission -Identity $id -ResultSize Unlimited -ErrorAction Stop | Select-Granted)
    $rights = @($entries | ForEach-Object { @{ Shown = $_.Shown; Right = 'full-access' } })
    $rights += @($sendAs["$($Target.Name)"] | Where-Object { $_ } | ForEach-Object { @{ Shown = $_; Right = 'send-as' } })
    $rights += @($Target.GrantSendOnBehalfTo | Where-Object { $_ } | ForEach-Object { @{ Shown = "$_"; Right = 'send-on-behalf' } })
    $new = @($rights | ForEach-Object { $_.Shown } | Select-Object -Unique |
            Where-Object { $_ -notmatch '^S-1-5-' -and -not $holders.ContainsKey($_) })
    Add-Holder $new 'WindowsLiveID' { Get-Recipient -Filter $filter -ResultSize Unlimited -ErrorAction Stop }
    $new = @($new | Where-Object { -not $holders.ContainsKey($_) })
    Add-Holder $new 'UserPrincipalName' { Get-User -Filter $filter -ResultSize Unlimited -ErrorAction Stop }
    foreach ($one in $rights) {
        $holder = $holders[$one.Shown]
        $kind = $(if ($one.Shown -match '^S-1-5-') { 'deleted' } elseif ($holder) { 'user' } else { 'unknown' })
        if ("$($holder.RecipientTypeDetails)" -match 'Group$') { $kind = 'group' }
        [pscustomobject]@{
            Id = $id; Name = $name; PrimarySmtpAddress = "$($Target.PrimarySmtpAddress)"
            UserId = "$($holder.Guid)".ToLowerInvariant(); UserName = @("$($holder.DisplayName)", $one.Shown -ne '')[0]
            UserAddress = "$($holder.PrimarySmtpAddress)"; UserKind = $kind; Right = $one.Right
        }
        if (-not $holders.ContainsKey($one.Shown)) { $holders[$one.Shown] = $null }
    }
}

$only = @{}
if ($Mailbox) {
    $target = Find-One 'mailbox' $Mailbox { Get-Mailbox -Identity $Value -ErrorAction Stop }
    if ("$($target.RecipientTypeDetails)" -ne 'SharedMailbox') {
        Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
            -Message "There is no shared mailbox '$Mailbox'."
    }
    $only.Identity = "$($target.Guid)"
}
Write-Verbose 'Reading send-as.'
Get-EXORecipientPermission @only -ResultSize Unlimited -ErrorAction Stop | Select-Granted | ForEach-Object {
    $sendAs[$_.On] = @($sendAs[$_.On]) + $_.Shown
}
if ($Mailbox) { Write-Right $target }
else {
    Write-Verbose 'Reading the shared mailboxes.'
    Get-EXOMailbox -RecipientTypeDetails SharedMailbox -Properties GrantSendOnBehalfTo -ResultSize Unlimited -ErrorAction Stop |
        ForEach-Object { Write-Right $_ }
}
