<#
.SYNOPSIS
Creates a distribution group or a mail-enabled security group, once.
.DESCRIPTION
Markers are custom attributes by which the group is found again, whatever it is called by then. One call looks for them
and for the address. A group with all markers is kept as it is; one that has name and address and no marker was made and
not marked, and is marked; several are refused. Else it is created and then marked, as no one call of Exchange does both.
.PARAMETER Name
The name, of at most 64 characters; it belongs to one object of the organization.
.PARAMETER Address
The primary address.
.PARAMETER Kind
distribution or mail-enabled-security.
.PARAMETER Marker
CustomAttribute1=VALUE to CustomAttribute15=VALUE. Without any the group is known by its address.
.PARAMETER ManagedBy
Address, alias, name or guid of the owner of a new group.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./New-Group.ps1 -Name 'Sales North' -Address sales.north@contoso.example -Kind distribution -Marker CustomAttribute1=D42
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Name,
    [Parameter(Mandatory)] [string] $Address,
    [Parameter(Mandatory)] [ValidateSet('distribution', 'mail-enabled-security')] [string] $Kind,
    [ValidatePattern('^CustomAttribute([1-9]|1[0-5])=.')] [string[]] $Marker,
    [string] $ManagedBy,
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
$tests = @($wanted.Keys | Sort-Object | ForEach-Object { "$_ -eq '$($wanted[$_] -replace "'", "''")'" }) -join ' -and '
$seen = @{}
$target = Find-One 'group' $Address {
    $filter = "EmailAddresses -eq '$($Value -replace "'", "''")'" + $(if ($tests) { " -or ($tests)" })
    $rows = @(Get-Recipient -Filter $filter -ResultSize Unlimited -ErrorAction Stop)
    $seen.Owner = $rows | Where-Object { @($_.EmailAddresses) -replace '^\w+:' -contains $Value } | Select-Object -First 1
    $groups = @($rows | Where-Object { "$($_.RecipientTypeDetails)" -match '^MailUniversal' })
    $marked = @($groups | Where-Object { $row = $_; @($wanted.Keys | Where-Object { "$($row.$_)" -ne $wanted[$_] }).Count -eq 0 })
    if ($marked.Count -gt 0) { $marked }
    else { $groups | Where-Object { $row = $_; $_.Name -eq $Name -and @($wanted.Keys | Where-Object { "$($row.$_)" }).Count -eq 0 } }
}
$type = @{ 'distribution' = 'MailUniversalDistributionGroup'; 'mail-enabled-security' = 'MailUniversalSecurityGroup' }[$Kind]
$other = $(if ($null -eq $target) { $seen.Owner } elseif ("$($target.RecipientTypeDetails)" -ne $type) { $target })
if ($other) {
    Write-Error -ErrorId 'Bridge.Exists' -Category ResourceExists -TargetObject $Address -ErrorAction Stop -Message (
        "'$($other.DisplayName)' <$($other.PrimarySmtpAddress)> ($($other.RecipientTypeDetails)) is there and is not this group.")
}
$keys = $wanted.Keys | Sort-Object
$before = @{ Exists = $null -ne $target; Marker = @($keys | Where-Object { "$($target.$_)" } | ForEach-Object { "$_=$($target.$_)" }) }
$new = @{ Type = $(if ($Kind -eq 'distribution') { 'Distribution' } else { 'Security' }) }
if (-not $before.Exists -and $ManagedBy) {
    $owner = Find-One 'recipient' $ManagedBy { Get-Recipient -Identity $Value -ErrorAction Stop }
    if ($null -eq $owner) {
        Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $ManagedBy -ErrorAction Stop `
            -Message "There is no recipient '$ManagedBy' that could own the group."
    }
    $new.ManagedBy = "$($owner.Guid)".ToLowerInvariant()
}
if (-not $before.Exists -and -not $DryRun) {
    Write-Verbose "Creating the group '$Name'."
    $target = New-DistributionGroup -Name $Name -PrimarySmtpAddress $Address @new -Confirm:$false -ErrorAction Stop
}
$id = "$($target.Guid)".ToLowerInvariant()
$mark = @{}
foreach ($field in 'CustomAttribute1', 'CustomAttribute2', 'CustomAttribute3', 'CustomAttribute4', 'CustomAttribute5',
    'CustomAttribute6', 'CustomAttribute7', 'CustomAttribute8', 'CustomAttribute9', 'CustomAttribute10', 'CustomAttribute11',
    'CustomAttribute12', 'CustomAttribute13', 'CustomAttribute14', 'CustomAttribute15') {
    if ("$($target.$field)" -ne "$($wanted[$field])" -and $wanted[$field]) { $mark[$field] = $wanted[$field] }
}
if ($mark.Count -gt 0 -and -not $DryRun) {
    Write-Verbose "Marking the group '$Name'."
    try { Set-DistributionGroup -Identity $id @mark -BypassSecurityGroupManagerCheck -Confirm:$false -ErrorAction Stop }
    catch {
        if ($before.Exists) { throw }
        Write-Error -ErrorId 'Bridge.NotMarked' -Category InvalidResult -TargetObject $id -ErrorAction Stop `
            -Message "The group '$Name' was created with the id $id and is without its markers: $($_.Exception.Message)"
    }
}
$done = $(if (-not $before.Exists) { 'created' } elseif ($mark.Count -gt 0) { 'marked' })
[pscustomobject]@{
    Status   = $(if ($done) { 'changed' } else { 'unchanged' })
    Reason   = $(if (-not $done) { 'exists already' } elseif ($DryRun) { "the group would be $done" } else { "group $done" })
    Identity = @{ Id = $id; Name = $(if ($target) { "$($target.DisplayName)" } else { $Name }) }
    Before   = $before
    After    = @{ Exists = $true; Marker = @($keys | ForEach-Object { "$_=$($wanted[$_])" }) }
}
