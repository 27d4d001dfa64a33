<#
.SYNOPSIS
Sets and clears attributes of a mailbox, where they differ.
.DESCRIPTION
Reads the mailbox, compares letter by letter, and writes what differs in one call. A list (ExtensionCustomAttribute1
to 5) becomes exactly the values that are given for it. An attribute or value that cannot be is the error
Bridge.InvalidAttribute. What the on-premises directory holds is the error Bridge.SynchronizedFromOnPremises.
.PARAMETER Mailbox
Address, user principal name, alias, display name or guid of the mailbox.
.PARAMETER Set
Name=Value, one or several; an empty value clears. ForwardingSmtpAddress has its prefix: smtp:jane@contoso.example.
.PARAMETER Clear
Names of attributes that are to be empty.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Set-MailboxAttribute.ps1 -Mailbox jane.doe@contoso.example -Set CustomAttribute1=E0042 -Clear CustomAttribute2
.OUTPUTS
One object: Status, Reason, Identity (of the mailbox), Before, After (the attributes that were named).
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Mailbox,
    [string[]] $Set,
    [string[]] $Clear,
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
foreach ($item in $Set) {
    $name, $value = $item -split '=', 2
    $wanted[$name] = @(@($wanted[$name]) + $value | Where-Object { $_ } | Select-Object -Unique)
}
foreach ($name in $Clear) { $wanted[$name] = @() }
$target = Find-One 'mailbox' $Mailbox { Get-Mailbox -Identity $Value -ErrorAction Stop }
if ($null -eq $target) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
        -Message "There is no mailbox '$Mailbox'."
}
$id = "$($target.Guid)".ToLowerInvariant()
$before, $after, $change = @{}, @{}, @{}
foreach ($name in 'Alias', 'AuditEnabled', 'CustomAttribute1', 'CustomAttribute10', 'CustomAttribute11', 'CustomAttribute12', 'CustomAttribute13', 'CustomAttribute14',
        'CustomAttribute15', 'CustomAttribute2', 'CustomAttribute3', 'CustomAttribute4', 'CustomAttribute5', 'CustomAttribute6', 'CustomAttribute7',
        'CustomAttribute8', 'CustomAttribute9', 'DeliverToMailboxAndForward', 'DisplayName', 'ExtensionCustomAttribute1', 'ExtensionCustomAttribute2',
        'ExtensionCustomAttribute3', 'ExtensionCustomAttribute4', 'ExtensionCustomAttribute5', 'ForwardingSmtpAddress', 'HiddenFromAddressListsEnabled',
        'MessageCopyForSendOnBehalfEnabled', 'MessageCopyForSentAsEnabled', 'MessageTrackingReadStatusEnabled', 'Office',
        'RequireSenderAuthenticationEnabled', 'RetentionComment', 'RetentionHoldEnabled', 'RetentionUrl', 'SimpleDisplayName', 'SingleItemRecoveryEnabled') {
    if (-not $wanted.ContainsKey($name)) { continue }
    $isFlag = $target.$name -is [bool]
    $isList = $name -like 'ExtensionCustomAttribute*'
    $new = $wanted[$name]
    if (($new.Count -gt 1 -and -not $isList) -or ($isFlag -and 'true', 'false' -notcontains "$new")) {
        Write-Error -ErrorId 'Bridge.InvalidAttribute' -Category InvalidArgument -TargetObject $Mailbox -ErrorAction Stop `
            -Message "$name cannot be '$($new -join "', '")'."
    }
    $is = @($target.$name | ForEach-Object { "$_" } | Where-Object { $_ })
    if ($isFlag) { $before[$name] = $target.$name; $after[$name] = "$new" -eq 'true' }
    elseif ($isList) { $before[$name] = $is; $after[$name] = $new }
    else { $before[$name] = "$is"; $after[$name] = "$new" }
    $differs = @($new | Where-Object { $is -cnotcontains $_ }) + @($is | Where-Object { $new -cnotcontains $_ })
    if ($isFlag -and $before[$name] -eq $after[$name]) { $differs = @() }
    if ($differs.Count -gt 0) { $change[$name] = $(if ($new.Count -gt 0) { $after[$name] } else { $null }) }
}
$unknown = @($wanted.Keys | Where-Object { -not $before.ContainsKey($_) } | Sort-Object)
if ($unknown.Count -gt 0) {
    Write-Error -ErrorId 'Bridge.InvalidAttribute' -Category InvalidArgument -TargetObject $Mailbox -ErrorAction Stop `
        -Message "Not an attribute that is set here: $($unknown -join ', ')."
}
# The display name stays on-premises even where the cloud has become the home of the Exchange attributes.
$kept = '^(DisplayName|Alias|Office|SimpleDisplayName|HiddenFrom.*|RequireSender.*|.*CustomAttribute\d+)$'
if ("$($target.IsExchangeCloudManaged)" -eq 'True') { $kept = '^DisplayName$' }
$names = @($change.Keys | Sort-Object)
if ("$($target.IsDirSynced)" -eq 'True' -and @($names -match $kept).Count -gt 0) {
    Write-Error -ErrorId 'Bridge.SynchronizedFromOnPremises' -Category InvalidOperation -TargetObject $Mailbox -ErrorAction Stop `
        -Message "'$($target.DisplayName)' is synchronised from on-premises; these are changed there: $(@($names -match $kept) -join ', ')."
}
if ($change.Count -gt 0 -and -not $DryRun) {
    Write-Verbose "Setting $($names -join ', ') of '$($target.DisplayName)'."
    Set-Mailbox -Identity $id @change -Confirm:$false -ErrorAction Stop
}
$reason = $(if ($change.Count -eq 0) { 'already so' } elseif ($DryRun) { "would set $($names -join ', ')" } else { "$($names -join ', ') set" })
[pscustomobject]@{
    Status   = $(if ($change.Count -gt 0) { 'changed' } else { 'unchanged' })
    Reason   = $reason
    Identity = @{ Id = $id; Name = "$($target.DisplayName)" }
    Before   = $before
    After    = $after
}
