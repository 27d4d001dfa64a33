<#
.SYNOPSIS
Makes of this runspace what a JEA endpoint opens: the role's commands are visible, and no script is run.
.DESCRIPTION
On Windows Register-PSSessionConfiguration and WinRM do this from the same files. What is done here: the modules of the
role, PowerShell's own restricted stand-ins of a RestrictedRemoteServer, every other command private, those that come
later too, and no-language mode. Who is in which group is not looked at: all roles are given.
.PARAMETER SessionFile
The session configuration file (.pssc). The modules with the roles are folders beside it.
#>
[CmdletBinding()]
param([Parameter(Mandatory)] [string] $SessionFile)

$ErrorActionPreference = 'Stop'
function Read-Data([string] $Path) {
    $problems = $null
    $tree = [Management.Automation.Language.Parser]::ParseFile($Path, [ref] $null, [ref] $problems)
    if ($problems) { throw "$Path`: $($problems[0].Message)" }
    $tree.Find({ $args[0] -is [Management.Automation.Language.HashtableAst] }, $false).SafeGetValue()
}

$session = Read-Data $SessionFile
if ($session.SessionType -ne 'RestrictedRemoteServer') { throw "The simulator has no session of the type '$($session.SessionType)'." }
$folder = [IO.Path]::GetDirectoryName($SessionFile)
$global:PSModuleAutoLoadingPreference = 'None'
$visible = @()
foreach ($role in $session.RoleDefinitions.Values) {
    foreach ($name in $role.RoleCapabilities) {
        $file = [IO.Directory]::GetFiles($folder, "$name.psrc", 'AllDirectories')[0]
        if ($null -eq $file) { throw "There is no role capability '$name' below $folder." }
        $capability = Read-Data $file
        foreach ($module in $capability.ModulesToImport) {
            $beside = [IO.Path]::Combine($folder, $module)
            Import-Module -Name $(if ([IO.Directory]::Exists($beside)) { $beside } else { $module }) -Global -DisableNameChecking -Verbose:$false
        }
        $visible += $capability.VisibleFunctions
    }
}
$restricted = [Management.Automation.CommandMetadata]::GetRestrictedCommands('RemoteServer')
foreach ($command in $ExecutionContext.InvokeCommand.GetCommands('*', 'Alias, Function, Filter, Cmdlet', $true)) { $command.Visibility = 'Private' }
foreach ($name in $restricted.Keys) {
    $null = $ExecutionContext.InvokeProvider.Item.Set("function:global:$name", [scriptblock]::Create([Management.Automation.ProxyCommand]::Create($restricted[$name])))
    $visible += $name
}
foreach ($name in $visible) {
    $command = $ExecutionContext.InvokeCommand.GetCommand($name, 'Function')
    if ($null -eq $command) { throw "The role makes '$name' visible, which is not there." }
    $command.Visibility = 'Public'
}
$ExecutionContext.SessionState.Applications.Clear()
$ExecutionContext.SessionState.Scripts.Clear()
# What is imported later is private too. PowerShell has no public name for this.
$hidden = [Reflection.BindingFlags] 'NonPublic, Instance'
$inner = [Management.Automation.SessionState].GetProperty('Internal', $hidden).GetValue($ExecutionContext.SessionState)
$inner.GetType().GetField('DefaultCommandVisibility', $hidden).SetValue($inner, [Management.Automation.SessionStateEntryVisibility]::Private)
$ExecutionContext.SessionState.LanguageMode = 'NoLanguage'
