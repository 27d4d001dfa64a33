<#
.SYNOPSIS
Takes one right on a shared mailbox away from somebody.
.DESCRIPTION
Looks both up, reads whether the right is there, and writes by guid. A right that is not there, a user that does not
exist and a mailbox that does not exist are unchanged. An ambiguous name is refused, and so is a mailbox of another kind.
.PARAMETER Mailbox
Address, alias, name or guid of the shared mailbox.
.PARAMETER User
Address, user principal name, alias, name or guid of whoever loses the right: a user or a mail-enabled security group.
.PARAMETER Right
full-access (open it), send-as (send in its name) or send-on-behalf (send for it, with both names shown).
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Revoke-SharedMailboxRight.ps1 -Mailbox info@contoso.example -User jane.doe@contoso.example -Right send-as
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Mailbox,
    [Parameter(Mandatory)] [string] $User,
    [Parameter(Mandatory)] [ValidateSet('full-access', 'send-as', 'send-on-behalf')] [string] $Right,
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

$is = @()
$id = ''
$mailboxName = $Mailbox
$about = @{ UserId = ''; UserName = $User; Right = $Right }
$target = Find-One 'mailbox' $Mailbox { Get-Mailbox -Identity $Value -ErrorAction Stop }
if ($null -eq $target) { $reason = 'the mailbox does not exist' }
else {
    if ("$($target.RecipientTypeDetails)" -ne 'SharedMailbox') {
        Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
            -Message "There is no shared mailbox '$Mailbox'."
    }
    $id = "$($target.Guid)".ToLowerInvariant()
    $mailboxName = "$($target.DisplayName)"
    $trustee = Find-One 'recipient' $User { Get-Recipient -Identity $Value -ErrorAction Stop }
    if ($null -eq $trustee) { $trustee = Find-One 'user' $User { Get-User -Identity $Value -ErrorAction Stop } }
    if ($null -eq $trustee) { $reason = 'the user does not exist' }
    else {
        $reason = 'not granted'
        $userId = "$($trustee.Guid)".ToLowerInvariant()
        $about = @{ UserId = $userId; UserName = "$($trustee.DisplayName)"; Right = $Right }
        Write-Verbose "Reading $Right of '$($trustee.DisplayName)' on the mailbox '$mailboxName'."
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
    }
}
$granted = @($is).Count -gt 0

if ($granted -and -not $DryRun) {
    Write-Verbose "Revoking $Right from '$($trustee.DisplayName)' on the mailbox '$mailboxName'."
    if ($Right -eq 'full-access') {
        Remove-MailboxPermission -Identity $id -User $userId -AccessRights FullAccess -InheritanceType All -Confirm:$false -ErrorAction Stop
    }
    elseif ($Right -eq 'send-as') {
        Remove-RecipientPermission -Identity $id -Trustee $userId -AccessRights SendAs -Confirm:$false -ErrorAction Stop
    }
    else { Set-Mailbox -Identity $id -GrantSendOnBehalfTo @{ Remove = $userId } -Confirm:$false -ErrorAction Stop }
}
[pscustomobject]@{
    Status   = $(if ($granted) { 'changed' } else { 'unchanged' })
    Reason   = $(if (-not $granted) { $reason } elseif ($DryRun) { "would revoke $Right" } else { "$Right revoked" })
    Identity = @{ Id = $id; Name = $mailboxName }
    Before   = $about + @{ Granted = $granted }
    After    = $about + @{ Granted = $false }
}
