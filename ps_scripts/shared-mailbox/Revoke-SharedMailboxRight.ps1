<#
.SYNOPSIS
Takes one right on a shared mailbox away from somebody.
.DESCRIPTION
Finds both with one filter, reads whether the right is there, and writes by guid: two Exchange calls where it is not.
A right, a user or a mailbox that is not there is unchanged. An ambiguous name and a mailbox of another kind are refused.
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
function Get-Term([string] $Value) {
    $fields = @('Alias', 'Name', 'DisplayName')
    if ($Value -match '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$') { $fields += 'Guid', 'ExternalDirectoryObjectId' }
    if ($Value.Contains('@')) { $fields += 'EmailAddresses', 'WindowsLiveID' }
    ($fields | ForEach-Object { "$_ -eq '$($Value -replace "'", "''")'" }) -join ' -or '
}
function Select-Named([string] $Value, [object[]] $Rows) {
    # Ids and addresses are one object's own and go before names, which several may have.
    $own = @($Rows | Where-Object {
            @($_.Guid, $_.ExternalDirectoryObjectId, $_.WindowsLiveID) + @($_.EmailAddresses) -replace '^\w+:' -contains $Value })
    if ($own.Count -gt 0) { $own } else { $Rows | Where-Object { @($_.Alias, $_.Name, $_.DisplayName) -contains $Value } }
}

$seen = @{}
$target = Find-One 'mailbox' $Mailbox {
    $seen.Rows = @(Get-Recipient -Filter "$(Get-Term $Mailbox) -or $(Get-Term $User)" -ResultSize Unlimited -ErrorAction Stop)
    Select-Named $Value ($seen.Rows | Where-Object { "$($_.RecipientType)" -eq 'UserMailbox' })
}
if ($null -ne $target -and "$($target.RecipientTypeDetails)" -ne 'SharedMailbox') {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
        -Message "There is no shared mailbox '$Mailbox'."
}
$trustee = @(Select-Named $User $seen.Rows)
if ($target -and $trustee.Count -ne 1) {
    $trustee = Find-One 'user' $User { if ($trustee) { $trustee } else { Get-User -Identity $Value -ErrorAction Stop } }
}
$reason = $(if (-not $target) { 'the mailbox does not exist' } elseif ($trustee) { 'not granted' } else { 'the user does not exist' })
$id = "$($target.Guid)".ToLowerInvariant()
$mailboxName = $(if ($target) { "$($target.DisplayName)" } else { $Mailbox })
$userId = $(if ($target) { "$($trustee.Guid)".ToLowerInvariant() } else { '' })
$userName = $(if ($userId) { "$($trustee.DisplayName)" } else { $User })
$about = @{ UserId = $userId; UserName = $userName; Right = $Right }
$who = "'$userName' on the mailbox '$mailboxName'"
$entries = @()
if ($userId) {
    Write-Verbose "Reading $Right of $who."
    # Who may send on behalf is listed by name, which is unique in an organization. What is inherited or denied is no grant.
    $names = $trustee.Guid, $trustee.Name, $trustee.Identity, $trustee.DistinguishedName | ForEach-Object { "$_" }
    $entries = switch ($Right) {
        'full-access' { Get-MailboxPermission -Identity $id -User $userId -ErrorAction Stop }
        'send-as' { Get-RecipientPermission -Identity $id -Trustee $userId -ErrorAction Stop }
        default { (Get-Mailbox -Identity $id -ErrorAction Stop).GrantSendOnBehalfTo | Where-Object { $_ -and $names -contains "$_" } }
    }
}
$granted = @($entries | Where-Object { $Right -eq 'send-on-behalf' -or ($_.AccessRights -match '\b(FullAccess|SendAs)\b' -and
            "$($_.IsInherited) $($_.Deny) $($_.AccessControlType)" -notmatch '\b(True|Deny)\b') }).Count -gt 0
if ($granted -and -not $DryRun) {
    Write-Verbose "Revoking $Right from $who."
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
