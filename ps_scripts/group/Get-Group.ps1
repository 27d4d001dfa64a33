<#
.SYNOPSIS
Lists the groups whose members can be changed in Exchange Online, or all groups; with -Where only those of a value.
.DESCRIPTION
Reads only. Without -All the distribution groups, mail-enabled security groups and room lists whose home is Exchange
Online. With -All also those that are synchronised from the on-premises directory, Microsoft 365 groups and dynamic
groups; Writable then says whose members can be changed here, and Reason why the others' cannot. A writable group has a
reason too where it has no owner: there is nobody who could change it without a role for all groups.

The rows come as they are read, in the order in which Exchange gives them. A read that fails half way ends with that
error; the rows before it are then not the whole list.
.PARAMETER All
Lists the groups whose members cannot be changed here, too.
.PARAMETER Where
Field=Value: only groups of which a field that Exchange can filter on has this value. The value is everything after the
first '=', taken as it is.
.EXAMPLE
./Get-Group.ps1 -All -Verbose | Sort-Object -Property Name
.EXAMPLE
./Get-Group.ps1 -Where CustomAttribute1=D42
.OUTPUTS
One object a group: Id, Name, DisplayName, PrimarySmtpAddress, Kind (distribution, mail-enabled-security, room-list,
microsoft-365 or dynamic-distribution), Writable, Reason.
.NOTES
Needs an Exchange role that may use Get-DistributionGroup and Get-Recipient, for example View-Only Recipients. A list is
as large as the organization: at some thousand rows it takes minutes, and rows that are there can be used meanwhile.
#>
[CmdletBinding()]
param(
    [switch] $All,
    [ValidatePattern('^[A-Za-z][A-Za-z0-9]*=')] [string] $Where
)

$ErrorActionPreference = 'Stop'
function Get-Row {
    process {
        $type = "$($_.RecipientTypeDetails)"
        $kind = @{ MailUniversalSecurityGroup = 'mail-enabled-security'; RoomList = 'room-list'
            GroupMailbox = 'microsoft-365'; DynamicDistributionGroup = 'dynamic-distribution' }[$type]
        $reason = ''
        if ("$($_.IsDirSynced)" -eq 'True') { $reason = 'synchronised from on-premises' }
        elseif ($type -eq 'GroupMailbox') { $reason = 'a Microsoft 365 group is managed in Microsoft 365' }
        elseif ($type -eq 'DynamicDistributionGroup') { $reason = 'its members follow from a rule' }
        $writable = $reason -eq ''
        if ($writable -and "$($_.ManagedBy)" -eq '') { $reason = 'no owner' }
        [pscustomobject]@{
            Id                 = "$($_.Guid)".ToLowerInvariant()
            # A display name may be empty, and a row always has a name.
            Name               = $(if ("$($_.DisplayName)") { "$($_.DisplayName)" } else { "$($_.Name)" })
            DisplayName        = "$($_.DisplayName)"
            PrimarySmtpAddress = "$($_.PrimarySmtpAddress)"
            Kind               = $(if ($kind) { $kind } else { 'distribution' })
            Writable           = $writable
            Reason             = $reason
        }
    }
}

$only = @{}
$that = ''
if ($Where) {
    $field, $wanted = $Where -split '=', 2
    if ([string]::IsNullOrWhiteSpace($wanted)) {
        Write-Error -ErrorId 'Bridge.EmptyIdentity' -Category InvalidArgument -TargetObject $Where -ErrorAction Stop `
            -Message "'$Where' has no value after the '='; that could mean every group without one."
    }
    # In an OPATH filter a quote inside a quoted value is written twice.
    $only.Filter = "$field -eq '$($wanted -replace "'", "''")'"
    $that = " with $($only.Filter)"
}
if (-not $All) {
    $only.Filter = @("IsDirSynced -eq 'False'", $only.Filter -ne $null) -join ' -and '
    Write-Verbose "Reading the groups that are not synchronised from on-premises$that."
    Get-DistributionGroup @only -ResultSize Unlimited -ErrorAction Stop | Get-Row
    return
}
Write-Verbose "Reading the distribution groups$that."
Get-DistributionGroup @only -ResultSize Unlimited -ErrorAction Stop | Get-Row
Write-Verbose "Reading the Microsoft 365 groups and the dynamic distribution groups$that."
Get-Recipient @only -RecipientTypeDetails GroupMailbox, DynamicDistributionGroup -ResultSize Unlimited -ErrorAction Stop | Get-Row
