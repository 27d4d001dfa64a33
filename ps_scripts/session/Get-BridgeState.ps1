<#
.SYNOPSIS
Tells what this runspace is and whether it is connected to Exchange Online.
.DESCRIPTION
Changes nothing, connects nothing and calls no Exchange service; works in a runspace that never imported the module.
Connected means a live connection with a valid token. What the roles did not grant is in MissingCommand.
.EXAMPLE
./Get-BridgeState.ps1
.OUTPUTS
One object: Connected, PowerShellVersion, PowerShellEdition, LanguageMode, ModuleVersion, Organization, Account, Logon,
Connection, CommandName, MissingCommand, ConnectionId, TokenExpires, ProcessId, MemoryBytes, InstalledScripts (the hash
over the scripts that are functions of this endpoint; empty where scripts are sent). Account is what
Connect-Bridge.ps1 was given to log on with, without secrets; it and the rest of the log-on are empty when the
connection is not one that Connect-Bridge.ps1 made.
#>
[CmdletBinding()]
param()

$ErrorActionPreference = 'Stop'
$module = Get-Module -Name ExchangeOnlineManagement | Select-Object -First 1
$live = $null
if ($null -ne $module) {
    Write-Verbose 'Reading the connection to Exchange Online.'
    $live = Get-ConnectionInformation -ErrorAction Stop | Where-Object {
        "$($_.State)" -eq 'Connected' -and "$($_.TokenStatus)" -eq 'Active' -and "$($_.IsEopSession)" -ne 'True'
    } | Select-Object -Last 1
}

# Connect-Bridge.ps1 leaves here what it asked for, so that it is known which cmdlets the roles did not grant.
$asked = Get-Variable -Name ExoBridge -Scope Global -ValueOnly -ErrorAction Ignore
if ($null -eq $live -or $null -eq $asked -or $asked.ConnectionId -ne "$($live.ConnectionId)") {
    $asked = @{ CommandName = @(); Account = ''; Logon = '' }
}
$present = @($asked.CommandName | Where-Object { Get-Command -Name $_ -ListImported -ErrorAction Ignore })
$expires = ''
if ($null -ne $live -and $live.TokenExpiryTimeUTC) {
    $expires = ([datetimeoffset] $live.TokenExpiryTimeUTC).UtcDateTime.ToString('s') + 'Z'
}
[pscustomobject]@{
    Connected         = $null -ne $live
    PowerShellVersion = "$($PSVersionTable.PSVersion)"
    PowerShellEdition = "$($PSVersionTable.PSEdition)"
    LanguageMode      = "$($ExecutionContext.SessionState.LanguageMode)"
    ModuleVersion     = $(if ($null -ne $module) { "$($module.Version)" } else { '' })
    Organization      = $(if ($null -eq $live) { '' } elseif ($live.DelegatedOrganization) { "$($live.DelegatedOrganization)" } else { "$($live.Organization)" })
    Account           = $asked.Account
    Logon             = $asked.Logon
    Connection        = $(if ($null -ne $live) { 'existing' } else { '' })
    CommandName       = @($present | Sort-Object)
    MissingCommand    = @($asked.CommandName | Where-Object { $present -notcontains $_ } | Sort-Object)
    ConnectionId      = $(if ($null -ne $live) { "$($live.ConnectionId)" } else { '' })
    TokenExpires      = $expires
    ProcessId         = $PID
    MemoryBytes       = [Diagnostics.Process]::GetCurrentProcess().WorkingSet64
    InstalledScripts  = "$(Get-Variable -Name ExoBridgeScripts -Scope Script -ValueOnly -ErrorAction Ignore)"
}
