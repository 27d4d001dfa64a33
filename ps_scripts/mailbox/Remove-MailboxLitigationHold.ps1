<#
.SYNOPSIS
Takes the litigation hold off a mailbox.
.DESCRIPTION
What the hold kept can be deleted for good afterwards, so nothing is done without -ConfirmRelease. A mailbox without a
hold and a mailbox that does not exist are unchanged. An ambiguous name is refused.
.PARAMETER Mailbox
Address, user principal name, alias, display name or guid of the mailbox.
.PARAMETER ConfirmRelease
Says that what the hold kept may be deleted.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Remove-MailboxLitigationHold.ps1 -Mailbox jane.doe@contoso.example -ConfirmRelease
.OUTPUTS
One object: Status, Reason, Identity (of the mailbox), Before, After.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Mailbox,
    [switch] $ConfirmRelease,
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

if (-not $ConfirmRelease) {
    Write-Error -ErrorId 'Bridge.ReleaseNotConfirmed' -Category InvalidArgument -TargetObject $Mailbox -ErrorAction Stop `
        -Message 'Without the hold, what it kept can be deleted for good. -ConfirmRelease says that this is meant.'
}
$id = ''
$name = $Mailbox
$before = @{ Held = $false }
$target = Find-One 'mailbox' $Mailbox { Get-Mailbox -Identity $Value -ErrorAction Stop }
if ($null -eq $target) { $reason = 'the mailbox does not exist' }
else {
    $reason = 'not held'
    $id = "$($target.Guid)".ToLowerInvariant()
    $name = "$($target.DisplayName)"
    if ("$($target.LitigationHoldEnabled)" -eq 'True') {
        # Exchange shows days as 2555.00:00:00.
        $duration = "$($target.LitigationHoldDuration)".ToLowerInvariant() -replace '\..*$'
        $before = @{ Held = $true; Duration = $duration; Owner = "$($target.LitigationHoldOwner)" }
    }
}

if ($before.Held -and -not $DryRun) {
    Write-Verbose "Removing the litigation hold of '$name'."
    Set-Mailbox -Identity $id -LitigationHoldEnabled $false -Confirm:$false -ErrorAction Stop
}
[pscustomobject]@{
    Status   = $(if ($before.Held) { 'changed' } else { 'unchanged' })
    Reason   = $(if (-not $before.Held) { $reason } elseif ($DryRun) { 'would remove the hold' } else { 'hold removed' })
    Identity = @{ Id = $id; Name = $name }
    Before   = $before
    After    = @{ Held = $false }
}
