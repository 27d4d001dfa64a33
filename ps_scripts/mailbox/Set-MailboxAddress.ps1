<#
.SYNOPSIS
Adds and removes addresses of a mailbox and chooses its primary one.
.DESCRIPTION
Only SMTP addresses are changed, and they compare without regard to letter case; one that is there keeps its spelling.
The former primary address stays as an ordinary one. The primary address itself, and addresses in the organization's
.onmicrosoft.com domains, are not removed, and none is added there: the error Bridge.AddressKept. What is no SMTP
address, or both wanted and removed, is the error Bridge.InvalidAddress. As long as the primary address stays, Exchange
is told only what to add and to remove, so what somebody else changes meanwhile stays; a new primary address needs the
whole list, which is the one that was just read.
.PARAMETER Mailbox
Address, user principal name, alias, display name or guid of the mailbox.
.PARAMETER Add
Addresses that the mailbox is to have too.
.PARAMETER Remove
Addresses that it is not to have.
.PARAMETER Primary
The address to send from; it is added where it is new.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Set-MailboxAddress.ps1 -Mailbox jane.doe@contoso.example -Primary jane.smith@contoso.example
.OUTPUTS
One object: Status, Reason, Identity (of the mailbox), Before, After (PrimarySmtpAddress, EmailAddresses).
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Mailbox,
    [string[]] $Add,
    [string[]] $Remove,
    [string] $Primary,
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

$wanted = @(@($Primary) + $Add | Where-Object { $_ })
foreach ($address in @($wanted) + $Remove | Where-Object { $_ }) {
    if ($address -notmatch '^[^@\s:]+@[^@\s:]+$' -or ($wanted -contains $address -and $Remove -contains $address)) {
        Write-Error -ErrorId 'Bridge.InvalidAddress' -Category InvalidArgument -TargetObject $Mailbox -ErrorAction Stop `
            -Message "'$address' is no SMTP address, or it is both wanted and removed."
    }
}
$target = Find-One 'mailbox' $Mailbox { Get-Mailbox -Identity $Value -ErrorAction Stop }
if ($null -eq $target) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
        -Message "There is no mailbox '$Mailbox'."
}
$id = "$($target.Guid)".ToLowerInvariant()

$is = @($target.EmailAddresses | ForEach-Object { "$_" })
$smtp = @($is | Where-Object { $_ -like 'smtp:*' } | ForEach-Object { $_.Substring(5) })
$old = @($is | Where-Object { $_ -clike 'SMTP:*' })[0] -replace '^smtp:', ''
$new = @()
foreach ($address in $wanted) { if (($smtp + $new) -notcontains $address) { $new += $address } }
$gone = @($smtp | Where-Object { $Remove -contains $_ })
$first = @($smtp + $new | Where-Object { $_ -eq $(if ($Primary) { $Primary } else { $old }) })[0]
$kept = @($gone + $new | Where-Object { $_ -match '\.(onmicrosoft\.(com|us|de)|partner\.onmschina\.cn)$' -or ($gone -contains $_ -and $_ -eq $first) })
if ($kept.Count -gt 0) {
    Write-Error -ErrorId 'Bridge.AddressKept' -Category InvalidArgument -TargetObject $Mailbox -ErrorAction Stop `
        -Message "'$($kept[0])' is the primary address of '$($target.DisplayName)', or in a domain whose addresses are not changed."
}
$after = @("SMTP:$first") + @(
    $is | Where-Object { $_ -notlike 'smtp:*' -or ($gone + $first) -notcontains $_.Substring(5) } | ForEach-Object { $_ -creplace '^SMTP:', 'smtp:' }
) + @($new | Where-Object { $_ -ne $first } | ForEach-Object { "smtp:$_" })
$differs = $new.Count + $gone.Count -gt 0 -or $first -ne $old
if ($differs -and "$($target.IsDirSynced)" -eq 'True' -and "$($target.IsExchangeCloudManaged)" -ne 'True') {
    Write-Error -ErrorId 'Bridge.SynchronizedFromOnPremises' -Category InvalidOperation -TargetObject $Mailbox -ErrorAction Stop `
        -Message "The mailbox '$($target.DisplayName)' is synchronised from on-premises; its addresses are changed there."
}
if ($differs -and -not $DryRun) {
    Write-Verbose "Setting the addresses of '$($target.DisplayName)': adding $($new.Count), removing $($gone.Count), primary '$first'."
    $edit = @{}
    if ($new.Count -gt 0) { $edit['Add'] = @($new | ForEach-Object { "smtp:$_" }) }
    if ($gone.Count -gt 0) { $edit['Remove'] = @($gone | ForEach-Object { "smtp:$_" }) }
    Set-Mailbox -Identity $id -EmailAddresses $(if ($first -eq $old) { $edit } else { $after }) -Confirm:$false -ErrorAction Stop
}
[pscustomobject]@{
    Status   = $(if ($differs) { 'changed' } else { 'unchanged' })
    Reason   = $(if (-not $differs) { 'already so' } elseif ($DryRun) { 'would change the addresses' } else { 'addresses changed' })
    Identity = @{ Id = $id; Name = "$($target.DisplayName)" }
    Before   = @{ PrimarySmtpAddress = $old; EmailAddresses = $is }
    After    = @{ PrimarySmtpAddress = $first; EmailAddresses = $after }
}
