<#
.SYNOPSIS
Takes away what somebody may do in the calendar of a mailbox.
.DESCRIPTION
Finds the calendar whatever it is called in the mailbox's language, and removes the user's entry by id. A user without
an entry, a user that does not exist and a mailbox that does not exist are unchanged. An ambiguous name is refused.
.PARAMETER Mailbox
Address, user principal name, alias, display name or guid of the mailbox.
.PARAMETER User
Address, name or guid of the recipient.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Remove-MailboxFolderPermission.ps1 -Mailbox jane.doe@contoso.example -User john.obrien@contoso.example
.OUTPUTS
One object: Status, Reason, Identity (of the mailbox), Before, After.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Mailbox,
    [Parameter(Mandatory)] [string] $User,
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

$is = $null
$id, $name, $reason = '', $Mailbox, 'the mailbox does not exist'
$before = @{ UserId = ''; UserName = $User; Folder = ''; Right = ''; Delegate = 'no' }
$target = Find-One 'mailbox' $Mailbox { Get-Mailbox -Identity $Value -ErrorAction Stop }
if ($target) {
    $id, $name, $reason = "$($target.Guid)".ToLowerInvariant(), "$($target.DisplayName)", 'the user does not exist'
    $trustee = Find-One 'recipient' $User { Get-Recipient -Identity $Value -ErrorAction Stop }
    if ($trustee) {
        $before.UserId, $before.UserName, $reason = "$($trustee.Guid)".ToLowerInvariant(), "$($trustee.DisplayName)", 'not granted'
        Write-Verbose "Reading the name of the calendar of '$name'."
        $folder = @(Get-MailboxFolderStatistics -Identity $id -FolderScope Calendar -ErrorAction Stop |
                Where-Object { "$($_.FolderType)" -eq 'Calendar' })[0]
        if (-not $folder) {
            Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
                -Message "The mailbox '$name' has no calendar."
        }
        $before.Folder = "$($folder.FolderPath)"
        Write-Verbose "Reading what '$($before.UserName)' may do in '$($before.Folder)' of '$name'."
        try { $is = Get-MailboxFolderPermission -Identity "${id}:$($folder.FolderId)" -User $before.UserId -ErrorAction Stop }
        catch { if (-not (Test-Reason $_ 'UserNotFoundInPermissionEntryException')) { throw } }
    }
}
$after = $before.Clone()
if ($is) {
    $reason = $(if ($DryRun) { 'would remove the entry' } else { 'entry removed' })
    $before.Right = ("$($is.AccessRights)" -split '[\s,]+' | Sort-Object) -join ','
    if ("$($is.SharingPermissionFlags)" -match 'Delegate') { $before.Delegate = 'yes' }
    if ("$($is.SharingPermissionFlags)" -match 'CanViewPrivateItems') { $before.Delegate = 'private-items' }
}

if ($is -and -not $DryRun) {
    Write-Verbose "Removing the entry of '$($before.UserName)' in '$($before.Folder)' of '$name'."
    Remove-MailboxFolderPermission -Identity "${id}:$($folder.FolderId)" -User $before.UserId -Confirm:$false -ErrorAction Stop
}
[pscustomobject]@{
    Status   = $(if ($is) { 'changed' } else { 'unchanged' })
    Reason   = $reason
    Identity = @{ Id = $id; Name = $name }
    Before   = $before
    After    = $after
}
