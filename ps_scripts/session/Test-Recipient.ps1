<#
.SYNOPSIS
Tells whether Exchange Online shows a recipient.
.DESCRIPTION
Exchange accepts a new object before it shows it, and its servers learn of it one after the other. This looks once and
waits for nothing: how long to wait is for who runs it to say. Seen once is no promise that the next look, on another
server, sees it too.
It is an error when it cannot be seen whether the recipient is there, because of rights or throttling for example.
.PARAMETER Identity
The id (guid) of the recipient: a name could be another object's.
.EXAMPLE
./Test-Recipient.ps1 -Identity 8d0b44ce-8a5c-4a0e-9a5d-0d8d2b3ff9f7
.OUTPUTS
One object: Visible.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Identity
)

# An empty identity would mean every recipient.
if (-not $Identity.Trim() -or $Identity.Contains('*')) {
    Write-Error -ErrorId 'Bridge.EmptyIdentity' -Category InvalidArgument -TargetObject $Identity -ErrorAction Stop `
        -Message "'$Identity' does not name one recipient."
}
Write-Verbose "Looking for the recipient '$Identity'."

$found = @()
try {
    $found = @(Get-Recipient -Identity $Identity -ErrorAction Stop)
}
catch {
    # The type stands in the category or in the message, and never in a text that Exchange translates.
    $type = 'ManagementObjectNotFoundException'
    $reason = $_.CategoryInfo.Reason
    if ($reason -ne $type -and $_.Exception.Message -notmatch "^[^|]*\|[\w.]*\b$type\|") { throw }
}
[pscustomobject]@{
    Visible = $found.Count -gt 0
}
