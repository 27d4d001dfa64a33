<#
.SYNOPSIS
Sets language, date and time format, time zone and folder names of a mailbox, where they differ.
.DESCRIPTION
Reads the mailbox's regional configuration, compares, and writes only what differs. When the language changes and no
formats are given, the formats become the language's own: Exchange refuses formats that the new language lacks.
.PARAMETER Mailbox
Address, user principal name, alias, display name or guid of the mailbox.
.PARAMETER Language
Language and country, such as nl-NL.
.PARAMETER DateFormat
A date format of that language, such as dd-MM-yy.
.PARAMETER TimeFormat
A time format of that language, such as H:mm.
.PARAMETER TimeZone
Windows' name of the time zone, such as 'W. Europe Standard Time'.
.PARAMETER LocalizeFolders
Gives the default folders (Inbox, Calendar ...) their names in the mailbox's language.
.PARAMETER DryRun
Reads and compares only, and reports what would be done.
.EXAMPLE
./Set-MailboxRegional.ps1 -Mailbox jane.doe@contoso.example -Language nl-NL -DateFormat dd-MM-yy -LocalizeFolders
.OUTPUTS
One object: Status, Reason, Identity (of the mailbox), Before, After.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Mailbox,
    [string] $Language,
    [string] $DateFormat,
    [string] $TimeFormat,
    [string] $TimeZone,
    [switch] $LocalizeFolders,
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

$wanted = @{ Language = $Language; DateFormat = $DateFormat; TimeFormat = $TimeFormat; TimeZone = $TimeZone }
if (-not $LocalizeFolders -and @($wanted.Values | Where-Object { $_ }).Count -eq 0) {
    Write-Error -ErrorId 'Bridge.NothingToSet' -Category InvalidArgument -TargetObject $Mailbox -ErrorAction Stop `
        -Message 'None of language, date format, time format, time zone and folder names was given.'
}
$target = Find-One 'mailbox' $Mailbox { Get-Mailbox -Identity $Value -ErrorAction Stop }
if ($null -eq $target) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Mailbox -ErrorAction Stop `
        -Message "There is no mailbox '$Mailbox'."
}
$id = "$($target.Guid)".ToLowerInvariant()
Write-Verbose "Reading the regional configuration of '$($target.DisplayName)'."
$is = Get-MailboxRegionalConfiguration -Identity $id -VerifyDefaultFolderNameLanguage:$LocalizeFolders -ErrorAction Stop

$before = @{}
$change = @{}
foreach ($name in 'Language', 'DateFormat', 'TimeFormat', 'TimeZone') {
    $before[$name] = "$($is.$name)"
    # Case matters in a format (M is the month, m the minute) and nowhere else.
    $same = $wanted[$name] -eq $before[$name] -and ($name -notlike '*Format' -or $wanted[$name] -ceq $before[$name])
    if ($wanted[$name] -and -not $same) { $change[$name] = $wanted[$name] }
}
$after = $before.Clone()
if ($change.ContainsKey('Language')) {
    foreach ($name in 'DateFormat', 'TimeFormat') {
        # An empty format is the language's own one.
        if (-not $change.ContainsKey($name)) { $change[$name] = $wanted[$name] }
    }
}
foreach ($name in $change.Keys) { $after[$name] = $change[$name] }
if ($LocalizeFolders) {
    $before.FoldersLocalized = "$($is.DefaultFolderNameMatchingUserLanguage)" -eq 'True'
    $after.FoldersLocalized = $true
    if ($change.ContainsKey('Language') -or -not $before.FoldersLocalized) { $change.LocalizeDefaultFolderName = $true }
}

$names = ($change.Keys | Sort-Object) -join ', '
if ($change.Count -gt 0 -and -not $DryRun) {
    Write-Verbose "Setting $names of '$($target.DisplayName)'."
    Set-MailboxRegionalConfiguration -Identity $id @change -Confirm:$false -ErrorAction Stop
}
[pscustomobject]@{
    Status   = $(if ($change.Count -gt 0) { 'changed' } else { 'unchanged' })
    Reason   = $(if ($change.Count -eq 0) { 'already so' } elseif ($DryRun) { "would set $names" } else { "$names set" })
    Identity = @{ Id = $id; Name = "$($target.DisplayName)" }
    Before   = $before
    After    = $after
}
