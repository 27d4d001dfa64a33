<#
.SYNOPSIS
Lists the direct members of a group.
.DESCRIPTION
Reads only. Looks the group up and lists its members by guid, as they are read. A group in the group is one member; its
own members are not listed. Microsoft 365 groups and dynamic groups are refused: their members are not kept as members
of a distribution group. A read that fails half way ends with that error; the rows before it are then not all members.
.PARAMETER Group
Address, alias, name or guid of the group.
.EXAMPLE
./Get-GroupMember.ps1 -Group staff@contoso.example | Sort-Object -Property Name
.OUTPUTS
One object a member: Id, Name, DisplayName, PrimarySmtpAddress, RecipientTypeDetails.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Group
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

$others = @{ GroupMailbox = 'Microsoft 365 group'; DynamicDistributionGroup = 'dynamic distribution group' }
$types = 'MailUniversalDistributionGroup', 'MailUniversalSecurityGroup', 'RoomList', 'GroupMailbox', 'DynamicDistributionGroup'
$target = Find-One 'group' $Group { Get-Recipient -Identity $Value -RecipientTypeDetails $types -ErrorAction Stop }
if ($null -eq $target) {
    Write-Error -ErrorId 'Bridge.NotFound' -Category ObjectNotFound -TargetObject $Group -ErrorAction Stop `
        -Message "There is no distribution group or mail-enabled security group '$Group'."
}
$kind = $others["$($target.RecipientTypeDetails)"]
if ($kind) {
    Write-Error -ErrorId 'Bridge.NotWritable' -Category InvalidOperation -TargetObject $Group -ErrorAction Stop `
        -Message "The group '$($target.DisplayName)' is a $kind; its members are not listed here."
}
$id = "$($target.Guid)".ToLowerInvariant()

Write-Verbose "Reading the members of the group '$($target.DisplayName)'."
Get-DistributionGroupMember -Identity $id -ResultSize Unlimited -ErrorAction Stop | ForEach-Object {
    [pscustomobject]@{
        Id                   = "$($_.Guid)".ToLowerInvariant()
        Name                 = $(if ("$($_.DisplayName)") { "$($_.DisplayName)" } else { "$($_.Name)" })
        DisplayName          = "$($_.DisplayName)"
        PrimarySmtpAddress   = "$($_.PrimarySmtpAddress)"
        RecipientTypeDetails = "$($_.RecipientTypeDetails)"
    }
}
