<#
.SYNOPSIS
Hides a mailbox from the address lists.
.DESCRIPTION
Reads the mailbox and writes HiddenFromAddressListsEnabled only where it is not hidden. A mailbox that does not exist
is hidden well enough: unchanged. One whose home is the on-premises directory is the error
Bridge.SynchronizedFromOnPremises.
.PARAMETER Mailbox
Address, user principal name, alias, display name or guid of the mailbox.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Hide-Mailbox.ps1 -Mailbox jane.doe@contoso.example
.OUTPUTS
One object: Status, Reason, Identity (of the mailbox), Before, After (both with Hidden).
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Mailbox,
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
    [pscustomobject]@{
        Status   = 'unchanged'
        Reason   = 'the mailbox does not exist'
        Identity = @{ Id = ''; Name = $Mailbox }
        Before   = @{ Hidden = $true }
        After    = @{ Hidden = $true }
    }
    return
}
$id = "$($target.Guid)".ToLowerInvariant()
$isHidden = "$($target.HiddenFromAddressListsEnabled)" -eq 'True'
$differs = -not $isHidden
if ($differs -and "$($target.IsDirSynced)" -eq 'True' -and "$($target.IsExchangeCloudManaged)" -ne 'True') {
    Write-Error -ErrorId 'Bridge.SynchronizedFromOnPremises' -Category InvalidOperation -TargetObject $Mailbox -ErrorAction Stop `
        -Message "The mailbox '$($target.DisplayName)' is synchronised from on-premises; address lists are changed there."
}
if ($differs -and -not $DryRun) {
    Write-Verbose "Hiding '$($target.DisplayName)' from address lists."
    Set-Mailbox -Identity $id -HiddenFromAddressListsEnabled $true -Confirm:$false -ErrorAction Stop
}
[pscustomobject]@{
    Status   = $(if ($differs) { 'changed' } else { 'unchanged' })
    Reason   = $(if (-not $differs) { 'already so' } elseif ($DryRun) { 'would be hidden' } else { 'hidden' })
    Identity = @{ Id = $id; Name = "$($target.DisplayName)" }
    Before   = @{ Hidden = $isHidden }
    After    = @{ Hidden = $true }
}
