<#
.SYNOPSIS
Sets what somebody may do in the calendar of a mailbox.
.DESCRIPTION
Finds the calendar whatever it is called in the mailbox's language, reads the entry of the user, and writes by id and
only where it differs. The rights that are there are replaced.
.PARAMETER Mailbox
Address, user principal name, alias, display name or guid of the mailbox.
.PARAMETER User
Default (everybody in the organization), Anonymous (everybody else), or address, name or guid of a recipient.
.PARAMETER Right
A role of Exchange's such as AvailabilityOnly, LimitedDetails, Reviewer, Editor or None, or single rights with commas.
.PARAMETER Delegate
With Editor: yes for a delegate, who gets the meeting requests too; private-items for one who also sees private items.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Set-MailboxFolderPermission.ps1 -Mailbox jane.doe@contoso.example -User Default -Right LimitedDetails
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Mailbox,
    [Parameter(Mandatory)] [string] $User,
    [Parameter(Mandatory)] [string] $Right,
    [ValidateSet('no', 'yes', 'private-items')] [string] $Delegate,
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
function Test-Reason($Record, [string] $Type) {
    $Record.CategoryInfo.Reason -eq $Type -or $Record.Exception.Message -match "^[^|]*\|[\w.]*\b$Type\|"
}

$target = Find-One 'mailbox' $Mailbox { Get-Mailbox -Identity $Value -ErrorAction Stop }
if ($null -eq $target) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
        -Message "There is no mailbox '$Mailbox'."
}
$id = "$($target.Guid)".ToLowerInvariant()
$userId = $userName = @('Default', 'Anonymous') -eq $User | Select-Object -First 1
if (-not $userId) {
    $trustee = Find-One 'recipient' $User { Get-Recipient -Identity $Value -ErrorAction Stop }
    if ($null -eq $trustee) {
        Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $User -ErrorAction Stop `
            -Message "There is no recipient '$User'."
    }
    $userId, $userName = "$($trustee.Guid)".ToLowerInvariant(), "$($trustee.DisplayName)"
}
Write-Verbose "Reading the name of the calendar of '$($target.DisplayName)'."
$folder = @(Get-MailboxFolderStatistics -Identity $id -FolderScope Calendar -ErrorAction Stop |
        Where-Object { "$($_.FolderType)" -eq 'Calendar' })[0]
if (-not $folder) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
        -Message "The mailbox '$($target.DisplayName)' has no calendar."
}
$place = "${id}:$($folder.FolderId)"
Write-Verbose "Reading what '$userName' may do in '$($folder.FolderPath)' of '$($target.DisplayName)'."
$is = $null
try { $is = Get-MailboxFolderPermission -Identity $place -User $userId -ErrorAction Stop }
catch { if (-not (Test-Reason $_ 'UserNotFoundInPermissionEntryException')) { throw } }
$flags = @{ no = 'None'; yes = 'Delegate'; 'private-items' = 'Delegate,CanViewPrivateItems' }
$before = @{ UserId = $userId; UserName = $userName; Folder = "$($folder.FolderPath)"; Delegate = 'no' }
$before.Right = ("$($is.AccessRights)" -split '[\s,]+' | Sort-Object) -join ','
if ("$($is.SharingPermissionFlags)" -match 'Delegate') { $before.Delegate = 'yes' }
if ("$($is.SharingPermissionFlags)" -match 'CanViewPrivateItems') { $before.Delegate = 'private-items' }
$after = $before.Clone()
$after.Right = ($Right -split '[\s,]+' | Sort-Object) -join ','
if ($Delegate) { $after.Delegate = $Delegate.ToLowerInvariant() } elseif ($Right -ne 'Editor') { $after.Delegate = 'no' }
$same = $after.Right -eq $before.Right -and $after.Delegate -eq $before.Delegate
if (-not $same -and -not $DryRun) {
    $change = @{ Identity = $place; User = $userId; AccessRights = $after.Right -split ',' }
    if ($Delegate) { $change.SharingPermissionFlags = $flags[$after.Delegate] }
    Write-Verbose "Giving '$userName' $Right in '$($folder.FolderPath)' of '$($target.DisplayName)'."
    try {
        if ($is) { Set-MailboxFolderPermission @change -Confirm:$false -ErrorAction Stop }
        else { $null = Add-MailboxFolderPermission @change -Confirm:$false -ErrorAction Stop }
    }
    catch {
        # What was read can be older than what is there.
        if ($is -or -not (Test-Reason $_ 'UserAlreadyExistsInPermissionEntryException')) { throw }
        Set-MailboxFolderPermission @change -Confirm:$false -ErrorAction Stop
    }
}
[pscustomobject]@{
    Status   = $(if ($same) { 'unchanged' } else { 'changed' })
    Reason   = $(if ($same) { 'already so' } elseif ($DryRun) { "would give $Right" } else { "$Right given" })
    Identity = @{ Id = $id; Name = "$($target.DisplayName)" }
    Before   = $before
    After    = $after
}
