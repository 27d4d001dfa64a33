<#
.SYNOPSIS
Lists all rights on mailboxes: who has Full Access, Send As or Send on Behalf on which one.
.DESCRIPTION
Reads only: all mailboxes in one Exchange call, the rights on each in two more, and each holder once. Each row goes out
as soon as Exchange has given it. What is kept is the id of each holder that was looked up, and nothing of the rows.

Only what somebody was given counts: the owner's own entry (NT AUTHORITY\SELF), Exchange's own entries (with a '\' in
the holder's name), inherited entries, denials and accounts that are gone (shown as a SID) are left out. A read that
fails half way ends with that error; the rows before it are then not the whole list.
.EXAMPLE
./Get-Right.ps1
.EXAMPLE
./Get-Right.ps1 -Verbose | Where-Object { $_.Right -eq 'full-access' }
.OUTPUTS
One object a right: Id and Name of the mailbox, UserId and UserName of the holder (a user or a security group; UserId is
empty where Exchange has nobody of that name), Right (full-access, send-as or send-on-behalf).
.NOTES
Needs an Exchange role that may use the cmdlets below, for example View-Only Recipients.
#>
[CmdletBinding()]
param()

$ErrorActionPreference = 'Stop'
$known = @{}
function Get-Name($Thing) {
    # A display name may be empty, and a row always has a name.
    if ("$($Thing.DisplayName)") { "$($Thing.DisplayName)" } else { "$($Thing.Name)" }
}
function Find-Holder([string] $Shown) {
    # Exchange shows a user by the user principal name or the name, a group by the name. Both are one object's own.
    if (-not $known.ContainsKey($Shown)) {
        $value = $Shown -replace "'", "''"
        Write-Verbose "Reading who '$Shown' is."
        $filter = "Name -eq '$value' -or WindowsLiveID -eq '$value'"
        $found = @(Get-Recipient -Filter $filter -ResultSize Unlimited -ErrorAction Stop)
        if ($found.Count -eq 0) {
            $filter = "Name -eq '$value' -or UserPrincipalName -eq '$value'"
            $found = @(Get-User -Filter $filter -ResultSize Unlimited -ErrorAction Stop)
        }
        $known[$Shown] = @('', $Shown)
        if ($found.Count -eq 1) { $known[$Shown] = @("$($found[0].Guid)".ToLowerInvariant(), (Get-Name $found[0])) }
    }
    $known[$Shown]
}
function ConvertTo-Row($Mailbox, [string] $Shown, [string] $Right) {
    if ($Shown -eq '' -or $Shown.Contains('\') -or $Shown -match '^S-1-5-') { return }
    $holder = Find-Holder $Shown
    [pscustomobject]@{ Id = $Mailbox.Id; Name = $Mailbox.Name; UserId = $holder[0]; UserName = $holder[1]; Right = $Right }
}

Write-Verbose 'Reading all mailboxes.'
Get-EXOMailbox -Properties GrantSendOnBehalfTo -ResultSize Unlimited -ErrorAction Stop | ForEach-Object {
    $mailbox = @{ Id = "$($_.Guid)".ToLowerInvariant(); Name = Get-Name $_ }
    $delegates = $_.GrantSendOnBehalfTo
    Write-Verbose "Reading the rights on the mailbox '$($mailbox.Name)'."
    Get-EXOMailboxPermission -Identity $mailbox.Id -ResultSize Unlimited -ErrorAction Stop |
        Where-Object { $_.AccessRights -match '\bFullAccess\b' -and "$($_.IsInherited) $($_.Deny)" -notmatch 'True' } |
        ForEach-Object { ConvertTo-Row $mailbox "$($_.User)" 'full-access' }
    Get-EXORecipientPermission -Identity $mailbox.Id -ResultSize Unlimited -ErrorAction Stop |
        Where-Object { $_.AccessRights -match '\bSendAs\b' -and "$($_.IsInherited) $($_.AccessControlType)" -eq 'False Allow' } |
        ForEach-Object { ConvertTo-Row $mailbox "$($_.Trustee)" 'send-as' }
    foreach ($delegate in $delegates) { ConvertTo-Row $mailbox "$delegate" 'send-on-behalf' }
}
