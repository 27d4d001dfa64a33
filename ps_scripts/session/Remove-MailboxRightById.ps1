<#
.SYNOPSIS
Takes one right on a shared mailbox away from somebody; both are known by their ids.
.DESCRIPTION
One Exchange call: nothing is looked up. It is for a batch, which has seen right before that the right is there; for
everything else there is Revoke-SharedMailboxRight.ps1, which takes any name.
.PARAMETER Mailbox
The id (guid) of the shared mailbox: a name could be another object's.
.PARAMETER User
The id (guid) of whoever loses the right.
.PARAMETER Right
full-access (open it), send-as (send in its name) or send-on-behalf (send for it, with both names shown).
.PARAMETER MailboxName
What the mailbox is called, for the result and the messages.
.PARAMETER UserName
What the user or group is called, for the result and the messages.
.EXAMPLE
./Remove-MailboxRightById.ps1 -Mailbox 8d0b44ce-8a5c-4a0e-9a5d-0d8d2b3ff9f7 -User 1f0c7b0e-57b4-4f0b-8f0f-2c3f1c1f9d11 -Right send-as
.OUTPUTS
The object that Revoke-SharedMailboxRight.ps1 gives.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [ValidatePattern('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')] [string] $Mailbox,
    [Parameter(Mandatory)] [ValidatePattern('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')] [string] $User,
    [Parameter(Mandatory)] [ValidateSet('full-access', 'send-as', 'send-on-behalf')] [string] $Right,
    [string] $MailboxName,
    [string] $UserName
)

$ErrorActionPreference = 'Stop'
Write-Verbose "Revoking $Right from '$UserName' on the mailbox '$MailboxName'."
if ($Right -eq 'full-access') {
    Remove-MailboxPermission -Identity $Mailbox -User $User -AccessRights FullAccess -InheritanceType All `
        -Confirm:$false -ErrorAction Stop
}
elseif ($Right -eq 'send-as') {
    Remove-RecipientPermission -Identity $Mailbox -Trustee $User -AccessRights SendAs -Confirm:$false -ErrorAction Stop
}
else { Set-Mailbox -Identity $Mailbox -GrantSendOnBehalfTo @{ Remove = $User } -Confirm:$false -ErrorAction Stop }

$about = @{ UserId = $User; UserName = $UserName; Right = $Right }
[pscustomobject]@{
    Status   = 'changed'
    Reason   = "$Right revoked"
    Identity = @{ Id = $Mailbox; Name = $MailboxName }
    Before   = $about + @{ Granted = $true }
    After    = $about + @{ Granted = $false }
}
