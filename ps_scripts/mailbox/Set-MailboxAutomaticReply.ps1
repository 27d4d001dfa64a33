<#
.SYNOPSIS
Sets the automatic replies of a mailbox, where they differ.
.DESCRIPTION
Reads, compares and writes only what differs; what is not given stays. A reply that is on or scheduled is not written
over without -Overwrite: that is unchanged, with a reason. It can be switched off, which leaves its messages.
.PARAMETER Mailbox
Address, user principal name, alias, display name or guid of the mailbox.
.PARAMETER State
disabled, enabled (from now on) or scheduled (from -Start to -End).
.PARAMETER InternalMessage
What senders in the organization get, text or HTML; an empty one clears it.
.PARAMETER ExternalMessage
What other senders get, text or HTML; an empty one clears it.
.PARAMETER Audience
Which other senders get a reply: none, known (the contacts of the mailbox) or all.
.PARAMETER Start
When a scheduled reply begins, such as 2026-12-24T17:00:00Z or 2026-12-24T17:00+01:00.
.PARAMETER End
When a scheduled reply ends.
.PARAMETER Overwrite
Writes over a reply that is on or scheduled.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Set-MailboxAutomaticReply.ps1 -Mailbox jane.doe@contoso.example -State enabled -InternalMessage 'Bye.' -Audience none
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Mailbox,
    [Parameter(Mandatory)] [ValidateSet('disabled', 'enabled', 'scheduled')] [string] $State,
    [string] $InternalMessage,
    [string] $ExternalMessage,
    [ValidateSet('none', 'known', 'all')] [string] $Audience,
    [ValidatePattern('^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$')] [string] $Start,
    [ValidatePattern('^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$')] [string] $End,
    [switch] $Overwrite,
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
function ConvertTo-Moment([datetime] $Value) {
    $Value.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ', [Globalization.CultureInfo]::InvariantCulture)
}
function ConvertTo-Body([string] $Html) {
    # Exchange keeps a text as HTML: with html and body around it, other line ends, &amp; for &. It is still the same.
    $body = $Html -replace '(?is)<head\b.*?</head>|</?(html|body)\b[^>]*>', ' ' -replace '&(?!#?\w+;)', '&amp;'
    ($body -replace '\s+', ' ').Trim()
}

$target = Find-One 'mailbox' $Mailbox { Get-Mailbox -Identity $Value -ErrorAction Stop }
if ($null -eq $target) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
        -Message "There is no mailbox '$Mailbox'."
}
$id = "$($target.Guid)".ToLowerInvariant()
Write-Verbose "Reading the automatic replies of '$($target.DisplayName)'."
$is = Get-MailboxAutoReplyConfiguration -Identity $id -ErrorAction Stop
$before = @{ State = "$($is.AutoReplyState)".ToLowerInvariant(); Audience = "$($is.ExternalAudience)".ToLowerInvariant() }
$after = @{ State = $State.ToLowerInvariant(); Audience = $(if ($Audience) { $Audience.ToLowerInvariant() } else { $before.Audience }) }
if ($before.State -eq 'scheduled') { $before += @{ Start = ConvertTo-Moment $is.StartTime; End = ConvertTo-Moment $is.EndTime } }
if ($State -eq 'scheduled') { $after += @{ Start = ConvertTo-Moment $Start; End = ConvertTo-Moment $End } }

$change = @{}
if ($after.State -ne $before.State) { $change.AutoReplyState = $State }
if ($after.Audience -ne $before.Audience) { $change.ExternalAudience = $Audience }
if ($after.Start -and $after.Start -ne $before.Start) { $change.StartTime = [datetime] $Start }
if ($after.End -and $after.End -ne $before.End) { $change.EndTime = [datetime] $End }
foreach ($name in 'InternalMessage', 'ExternalMessage') {
    $after[$name] = $before[$name] = "$($is.$name)"
    $text = $PSBoundParameters[$name]
    if ($null -ne $text -and (ConvertTo-Body $text) -cne (ConvertTo-Body $is.$name)) { $change[$name] = $after[$name] = $text }
}
$names = ($change.Keys | Sort-Object) -join ', '
$reason = $(if ($change.Count -eq 0) { 'already so' } elseif ($DryRun) { "would set $names" } else { "$names set" })
# To switch a reply off takes nothing away; every other change would write over it.
if ($before.State -ne 'disabled' -and -not $Overwrite -and "$names $State" -ne 'AutoReplyState disabled' -and $change.Count -gt 0) {
    $reason, $after, $change = 'the reply that is there is kept', $before, @{}
}
if ($change.Count -gt 0 -and -not $DryRun) {
    Write-Verbose "Setting $names of '$($target.DisplayName)'."
    Set-MailboxAutoReplyConfiguration -Identity $id @change -Confirm:$false -ErrorAction Stop
}
[pscustomobject]@{
    Status   = $(if ($change.Count -gt 0) { 'changed' } else { 'unchanged' })
    Reason   = $reason
    Identity = @{ Id = $id; Name = "$($target.DisplayName)" }
    Before   = $before
    After    = $after
}
