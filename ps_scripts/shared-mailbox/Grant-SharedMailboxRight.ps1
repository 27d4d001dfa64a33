<#
.SYNOPSIS
Gives somebody one right on a shared mailbox.
.DESCRIPTION
Looks both up, reads whether the right is there, and writes by guid. Only shared mailboxes: on anything else the
right is refused.
.PARAMETER Mailbox
Address, alias, name or guid of the shared mailbox.
.PARAMETER User
Address, user principal name, alias, name or guid of whoever gets the right: a user or a mail-enabled security group.
.PARAMETER Right
full-access (open it), send-as (send in its name) or send-on-behalf (send for it, with both names shown).
.PARAMETER NoAutomapping
With full-access: Outlook does not open the mailbox by itself. A right that is there already keeps what it has.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Grant-SharedMailboxRight.ps1 -Mailbox info@contoso.example -User jane.doe@contoso.example -Right send-as
.OUTPUTS
One object: Status, Reason, Identity (of the mailbox), Before, After.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Mailbox,
    [Parameter(Mandatory)] [string] $User,
    [Parameter(Mandatory)] [ValidateSet('full-access', 'send-as', 'send-on-behalf')] [string] $Right,
    [switch] $NoAutomapping,
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
if ($null -eq $target -or "$($target.RecipientTypeDetails)" -ne 'SharedMailbox') {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
        -Message "There is no shared mailbox '$Mailbox'."
}
$trustee = Find-One 'recipient' $User { Get-Recipient -Identity $Value -ErrorAction Stop }
if ($null -eq $trustee) { $trustee = Find-One 'user' $User { Get-User -Identity $Value -ErrorAction Stop } }
if ($null -eq $trustee) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $User -ErrorAction Stop `
        -Message "There is no user or group '$User'."
}
$id = "$($target.Guid)".ToLowerInvariant()
$userId = "$($trustee.Guid)".ToLowerInvariant()

Write-Verbose "Reading $Right of '$($trustee.DisplayName)' on the mailbox '$($target.DisplayName)'."
if ($Right -eq 'full-access') {
    $is = Get-MailboxPermission -Identity $id -User $userId -ErrorAction Stop |
        Where-Object { $_.AccessRights -match '\bFullAccess\b' -and "$($_.IsInherited) $($_.Deny)" -notmatch 'True' }
}
elseif ($Right -eq 'send-as') {
    $is = Get-RecipientPermission -Identity $id -Trustee $userId -ErrorAction Stop |
        Where-Object { $_.AccessRights -match '\bSendAs\b' -and "$($_.IsInherited) $($_.AccessControlType)" -eq 'False Allow' }
}
else {
    # Exchange lists those who may send on behalf by name. Names are unique in an organization.
    $shown = $trustee | Select-Object -Property Guid, Name, Identity, DistinguishedName
    $names = $shown.PSObject.Properties | ForEach-Object { "$($_.Value)" }
    $is = $target.GrantSendOnBehalfTo | Where-Object { $_ -and $names -contains "$_" }
}
$already = @($is).Count -gt 0

if (-not $already -and -not $DryRun) {
    Write-Verbose "Granting $Right to '$($trustee.DisplayName)' on the mailbox '$($target.DisplayName)'."
    if ($Right -eq 'full-access') {
        $null = Add-MailboxPermission -Identity $id -User $userId -AccessRights FullAccess -InheritanceType All `
            -AutoMapping (-not $NoAutomapping) -Confirm:$false -ErrorAction Stop
    }
    elseif ($Right -eq 'send-as') {
        $null = Add-RecipientPermission -Identity $id -Trustee $userId -AccessRights SendAs -Confirm:$false -ErrorAction Stop
    }
    else { Set-Mailbox -Identity $id -GrantSendOnBehalfTo @{ Add = $userId } -Confirm:$false -ErrorAction Stop }
}
$about = @{ UserId = $userId; UserName = "$($trustee.DisplayName)"; Right = $Right }
[pscustomobject]@{
    Status   = $(if ($already) { 'unchanged' } else { 'changed' })
    Reason   = $(if ($already) { 'already granted' } elseif ($DryRun) { "would grant $Right" } else { "$Right granted" })
    Identity = @{ Id = $id; Name = "$($target.DisplayName)" }
    Before   = $about + @{ Granted = $already }
    After    = $about + @{ Granted = $true }
}
