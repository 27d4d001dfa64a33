<#
.SYNOPSIS
Puts a mailbox on litigation hold, or changes the duration or the owner of its hold.
.DESCRIPTION
Reads, compares and writes only what differs. What is not given stays; a new hold without a duration has no end. A
shorter duration releases what is older. A mailbox whose licence allows no hold is the error Bridge.LicenseMissing.
.PARAMETER Mailbox
Address, user principal name, alias, display name or guid of the mailbox.
.PARAMETER Duration
For how many days an item is held, counted from when it was received or made; or unlimited.
.PARAMETER Owner
Who has ordered the hold, for information; an empty one clears it.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Set-MailboxLitigationHold.ps1 -Mailbox jane.doe@contoso.example -Duration 2555 -Owner 'Legal department'
.OUTPUTS
One object: Status, Reason, Identity (of the mailbox), Before, After.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Mailbox,
    [ValidatePattern('^(unlimited|\d+)$')] [string] $Duration,
    [string] $Owner,
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

$target = Find-One 'mailbox' $Mailbox { Get-Mailbox -Identity $Value -ErrorAction Stop }
if ($null -eq $target) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
        -Message "There is no mailbox '$Mailbox'."
}
$id = "$($target.Guid)".ToLowerInvariant()
$before = @{ Held = "$($target.LitigationHoldEnabled)" -eq 'True' }
if ($before.Held) {
    # Exchange shows days as 2555.00:00:00.
    $before.Duration = "$($target.LitigationHoldDuration)".ToLowerInvariant() -replace '\..*$'
    $before.Owner = "$($target.LitigationHoldOwner)"
}
$after = $before.Clone()
$change = @{}
if (-not $before.Held) { $change.LitigationHoldEnabled = $after.Held = $true }
if ($Duration -and $Duration -ne $before.Duration) { $change.LitigationHoldDuration = $after.Duration = $Duration.ToLowerInvariant() }
if ($PSBoundParameters.ContainsKey('Owner') -and $Owner -cne "$($before.Owner)") { $change.LitigationHoldOwner = $after.Owner = $Owner }

$names = ($change.Keys | Sort-Object) -join ', '
if ($change.Count -gt 0 -and -not $DryRun) {
    Write-Verbose "Setting $names of '$($target.DisplayName)'."
    try { Set-Mailbox -Identity $id @change -Confirm:$false -ErrorAction Stop }
    catch {
        $type = 'RecipientTaskException'
        if ($_.CategoryInfo.Reason -ne $type -and $_.Exception.Message -notmatch "^[^|]*\|[\w.]*\b$type\|") { throw }
        Write-Error -ErrorId 'Bridge.LicenseMissing' -Category PermissionDenied -TargetObject $Mailbox -ErrorAction Stop `
            -Message "Exchange refuses the hold on '$($target.DisplayName)': $(($_.Exception.Message -split '\|', 3)[-1])"
    }
}
[pscustomobject]@{
    Status   = $(if ($change.Count -gt 0) { 'changed' } else { 'unchanged' })
    Reason   = $(if ($change.Count -eq 0) { 'already so' } elseif ($DryRun) { "would set $names" } else { "$names set" })
    Identity = @{ Id = $id; Name = "$($target.DisplayName)" }
    Before   = $before
    After    = $after
}
