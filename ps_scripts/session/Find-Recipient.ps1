<#
.SYNOPSIS
Tells for many names at once which recipient each of them means.
.DESCRIPTION
Reads only, twenty names with one Exchange call. What a name means is chosen as Grant-GroupMember.ps1 and
Grant-SharedMailboxRight.ps1 choose it for one name: ids and addresses go before names. It is no error here that a name
means nothing or several things: Count says so.
.PARAMETER Name
Addresses, aliases, names or guids.
.PARAMETER Kind
What they are to be: a group, a mailbox, or any recipient.
.EXAMPLE
./Find-Recipient.ps1 -Name jane.doe@contoso.example, 'Alex Kim' -Kind recipient
.OUTPUTS
One object a name, in their order: Name as it was given, Count of what it can mean, and where that is one, its Id,
DisplayName, RecipientTypeDetails and IsDirSynced.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string[]] $Name,
    [Parameter(Mandatory)] [ValidateSet('group', 'mailbox', 'recipient')] [string] $Kind
)

$ErrorActionPreference = 'Stop'
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

foreach ($one in $Name) {
    if (-not $one.Trim() -or $one.Contains('*')) {
        Write-Error -ErrorId 'Bridge.EmptyIdentity' -Category InvalidArgument -TargetObject $one -ErrorAction Stop `
            -Message "'$one' does not name one recipient: it is empty or has a '*', which could mean all of them."
    }
}
# Twenty a filter, since a filter has a greatest length.
for ($first = 0; $first -lt $Name.Count; $first += 20) {
    $some = @($Name[$first..($first + 19)] | Where-Object { $_ })
    Write-Verbose "Reading what these mean: '$($some -join "', '")'."
    $filter = ($some | ForEach-Object { Get-Term $_ }) -join ' -or '
    $rows = @(Get-Recipient -Filter $filter -ResultSize Unlimited -ErrorAction Stop | Where-Object {
            $Kind -eq 'recipient' -or ($Kind -eq 'group' -and "$($_.RecipientTypeDetails)" -match 'Group|RoomList') -or
            ($Kind -eq 'mailbox' -and "$($_.RecipientType)" -eq 'UserMailbox') })
    foreach ($one in $some) {
        $found = @(Select-Named $one $rows)
        $only = $(if ($found.Count -eq 1) { $found[0] })
        [pscustomobject]@{
            Name                 = $one
            Count                = $found.Count
            Id                   = "$($only.Guid)".ToLowerInvariant()
            DisplayName          = "$($only.DisplayName)"
            RecipientTypeDetails = "$($only.RecipientTypeDetails)"
            IsDirSynced          = "$($only.IsDirSynced)" -eq 'True'
        }
    }
}
