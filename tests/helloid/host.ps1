# Runs scripts of HelloID's connector as HelloID does, and writes what became of them. $env:HOST_PLAN is a JSON file: one
# object for each run with "script" (its path), "contract", and "variables" (v1: JSON texts and $dryRun; v2: contexts).
# Each run has a runspace of its own in this one process. Results go to $env:HOST_RESULTS.
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

function New-OutputContext {
    [PSCustomObject] @{
        Success           = $false
        AccountReference  = $null
        AccountCorrelated = $false
        Data              = [PSCustomObject] @{}
        PreviousData      = [PSCustomObject] @{}
        AuditLogs         = New-Object 'Collections.Generic.List[PSCustomObject]'
        Permissions       = New-Object 'Collections.Generic.List[PSCustomObject]'
        SubPermissions    = New-Object 'Collections.Generic.List[PSCustomObject]'
    }
}

function Invoke-Slot($Run) {
    $clock = [Diagnostics.Stopwatch]::StartNew()
    $runspace = [runspacefactory]::CreateRunspace([initialsessionstate]::CreateDefault2())
    $runspace.Open()
    $shell = [powershell]::Create()
    try {
        $shell.Runspace = $runspace
        $outputContext = New-OutputContext
        $variables = @{ VerbosePreference = 'Continue'; InformationPreference = 'Continue'; WarningPreference = 'Continue' }
        foreach ($property in $Run.variables.PSObject.Properties) { $variables[$property.Name] = $property.Value }
        if ($Run.contract -eq 'v2') { $variables['outputContext'] = $outputContext }
        foreach ($name in $variables.Keys) { $runspace.SessionStateProxy.SetVariable($name, $variables[$name]) }
        [void] $shell.AddScript([IO.File]::ReadAllText($Run.script))
        $thrown = ''
        $output = @()
        try { $output = @($shell.Invoke()) } catch { $thrown = $_.Exception.GetBaseException().Message }
        @{
            output        = @($output | ForEach-Object { $_.PSObject.BaseObject })
            outputContext = $outputContext
            thrown        = $thrown
            errors        = @($shell.Streams.Error | ForEach-Object { "$_" })
            warnings      = @($shell.Streams.Warning | ForEach-Object { "$_" })
            verbose       = @($shell.Streams.Verbose | ForEach-Object { "$_" })
            information   = @($shell.Streams.Information | ForEach-Object { "$_" })
            seconds       = $clock.Elapsed.TotalSeconds
        }
    }
    finally {
        $shell.Dispose()
        $runspace.Dispose()
    }
}

$runs = ConvertFrom-Json ([IO.File]::ReadAllText($env:HOST_PLAN))
$results = @(foreach ($run in $runs) { Invoke-Slot $run })
[IO.File]::WriteAllText($env:HOST_RESULTS, (ConvertTo-Json -InputObject $results -Depth 30 -Compress))
