<#
.SYNOPSIS
Creates a shared mailbox, once.
.DESCRIPTION
Markers are custom attributes by which the mailbox is found again, whatever it is called by then. One call looks for a
shared mailbox that has all of them, and for the address. A mailbox with the markers is kept as it is; one that has the
name and the address and none of the markers was made and not marked, and is marked. Several are refused. Else the
mailbox is created and then marked by guid: Exchange has no one call for both. Where marking fails, the error says that
the mailbox is there, and a second run completes it.
.PARAMETER Name
The name, of at most 64 characters; it belongs to one object of the organization.
.PARAMETER Address
The primary address, in a domain of the organization.
.PARAMETER DisplayName
What people see; without it the name.
.PARAMETER Marker
CustomAttribute1=VALUE to CustomAttribute15=VALUE. Without any the mailbox is known by its address.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./New-SharedMailbox.ps1 -Name 'Service Desk' -Address desk@contoso.example -Marker CustomAttribute1=D42
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Name,
    [Parameter(Mandatory)] [string] $Address,
    [string] $DisplayName,
    [ValidatePattern('^CustomAttribute([1-9]|1[0-5])=.')] [string[]] $Marker,
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

$wanted = @{}
foreach ($item in $Marker) { $wanted[($item -split '=', 2)[0]] = ($item -split '=', 2)[1] }
$keys = @($wanted.Keys | Sort-Object)
$seen = @{}
$target = Find-One 'shared mailbox' $Address {
    $filter = "EmailAddresses -eq '$($Value -replace "'", "''")'"
    $tests = @($keys | ForEach-Object { "$_ -eq '$($wanted[$_] -replace "'", "''")'" }) -join ' -and '
    if ($tests) { $filter = "$filter -or (RecipientTypeDetails -eq 'SharedMailbox' -and $tests)" }
    $rows = @(Get-Recipient -Filter $filter -ResultSize Unlimited -ErrorAction Stop)
    $seen.Owner = $rows | Where-Object { @($_.EmailAddresses) -replace '^\w+:' -contains $Value } | Select-Object -First 1
    $shared = @($rows | Where-Object { "$($_.RecipientTypeDetails)" -eq 'SharedMailbox' })
    $marked = @($shared | Where-Object { $row = $_; @($keys | Where-Object { "$($row.$_)" -ne $wanted[$_] }).Count -eq 0 })
    if ($marked.Count -gt 0) { $marked }
    else { $shared | Where-Object { $row = $_; $_.Name -eq $Name -and @($keys | Where-Object { "$($row.$_)" }).Count -eq 0 } }
}
if ($null -eq $target -and $seen.Owner) {
    $other = "'$($seen.Owner.DisplayName)' <$($seen.Owner.PrimarySmtpAddress)> ($($seen.Owner.RecipientTypeDetails))"
    Write-Error -ErrorId 'Bridge.Exists' -Category ResourceExists -TargetObject $Address -ErrorAction Stop `
        -Message "The address '$Address' belongs to $other, which is not this shared mailbox."
}
$exists = $null -ne $target
$before = @{ Exists = $exists; Marker = @($keys | Where-Object { "$($target.$_)" } | ForEach-Object { "$_=$($target.$_)" }) }
$id = "$($target.Guid)".ToLowerInvariant()
$shown = $(if ($exists) { "$($target.DisplayName)" } elseif ($DisplayName) { $DisplayName } else { $Name })
$mark = @{}
foreach ($field in 'CustomAttribute1', 'CustomAttribute2', 'CustomAttribute3', 'CustomAttribute4', 'CustomAttribute5',
    'CustomAttribute6', 'CustomAttribute7', 'CustomAttribute8', 'CustomAttribute9', 'CustomAttribute10', 'CustomAttribute11',
    'CustomAttribute12', 'CustomAttribute13', 'CustomAttribute14', 'CustomAttribute15') {
    if ($wanted[$field] -and "$($target.$field)" -ne $wanted[$field]) { $mark[$field] = $wanted[$field] }
}

if (-not $exists -and -not $DryRun) {
    Write-Verbose "Creating the shared mailbox '$Name' with the address '$Address'."
    $made = New-Mailbox -Shared -Name $Name -DisplayName $shown -PrimarySmtpAddress $Address -Confirm:$false -ErrorAction Stop
    $id = "$($made.Guid)".ToLowerInvariant()
}
if ($mark.Count -gt 0 -and -not $DryRun) {
    Write-Verbose "Marking the shared mailbox '$shown'."
    try { Set-Mailbox -Identity $id @mark -Confirm:$false -ErrorAction Stop }
    catch {
        if ($exists) { throw }
        Write-Error -ErrorId 'Bridge.NotMarked' -Category InvalidResult -TargetObject $id -ErrorAction Stop `
            -Message "The shared mailbox '$shown' was created with the id $id and is without its markers: $($_.Exception.Message)"
    }
}
$done = $(if (-not $exists) { 'created' } elseif ($mark.Count -gt 0) { 'marked' })
[pscustomobject]@{
    Status   = $(if ($done) { 'changed' } else { 'unchanged' })
    Reason   = $(if (-not $done) { 'exists already' } elseif ($DryRun) { "the mailbox would be $done" } else { "mailbox $done" })
    Identity = @{ Id = $id; Name = $shown }
    Before   = $before
    After    = @{ Exists = $true; Marker = @($keys | ForEach-Object { "$_=$($wanted[$_])" }) }
}
