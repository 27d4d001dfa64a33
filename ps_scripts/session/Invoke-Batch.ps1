<#
.SYNOPSIS
Runs many scripts one after the other in one pipeline, and tells of each as it goes.
.DESCRIPTION
Items come in by the pipeline and are run in their order, each in a scope of its own. An error that ends a script ends
that item alone. Where this is a function of a module (a JEA endpoint) an item can be another function of that module
and nothing else.
As long as items take less than 50 milliseconds the records of one go out together, with its end; of slower ones each
goes out at once.
.PARAMETER Scripts
The text of each script by its name. Not used in a module.
.PARAMETER Item
A hashtable: Id, Script (its name, or in a module the function's name) and Parameters (a hashtable).
.EXAMPLE
$items | ./Invoke-Batch.ps1 -Scripts @{ 'group/Get-Group.ps1' = $text }
.OUTPUTS
Arrays: the Id of an item, then one record after the other, each its kind and its values. Kinds: verbose, debug,
warning and information (a text); output (an object); error (message, reason of the category, type of the exception,
fully qualified id, activity, target, category, script stack trace); end (the number of records before it, the seconds
that the item took, whether it came to its end), which is the last of an item.
#>
[CmdletBinding()]
param(
    [hashtable] $Scripts = @{},
    [Parameter(ValueFromPipeline)] [hashtable] $Item
)

begin {
    # No preference may be set here: the items would have it too.
    $known = @{}
    $kinds = @{ WarningRecord = 'warning'; DebugRecord = 'debug' }
    $records = [Collections.Generic.List[object]]::new()
    $clock = [Diagnostics.Stopwatch]::new()
    $isSlow = $true

    function Find-Command([string] $Name) {
        $module = $ExecutionContext.SessionState.Module
        if ($known.ContainsKey($Name)) { return $known[$Name] }
        if ($null -ne $module -and $module.ExportedFunctions.ContainsKey($Name)) {
            $known[$Name] = $module.ExportedFunctions[$Name]
        }
        elseif ($null -eq $module -and $Scripts.ContainsKey($Name)) {
            # What the method call wraps is the error that a single script would end with.
            try { $known[$Name] = [scriptblock]::Create($Scripts[$Name]) }
            catch { throw $_.Exception.GetBaseException() }
        }
        else {
            Write-Error -ErrorId 'Bridge.UnknownScript' -Category ObjectNotFound -TargetObject $Name -ErrorAction Stop `
                -Message "There is no script '$Name' here."
        }
        $known[$Name]
    }
    function Add-Record([object] $Record) {
        if ($Record -is [Management.Automation.InformationalRecord]) {
            $said = $kinds[$Record.GetType().Name], $Record.Message
        }
        elseif ($Record -is [Management.Automation.InformationRecord]) { $said = 'information', "$($Record.MessageData)" }
        elseif ($Record -is [Management.Automation.ErrorRecord]) {
            $category = $Record.CategoryInfo
            # The outermost place is here, and says nothing of the item.
            $said = 'error', $Record.Exception.Message, $category.Reason, $Record.Exception.PSObject.TypeNames[0],
                $Record.FullyQualifiedErrorId, $category.Activity, $category.TargetName, "$($category.Category)",
                ("$($Record.ScriptStackTrace)" -replace '(^|\r?\n)[^\n]*$')
        }
        else { $said = 'output', $Record }
        $records.AddRange([object[]] $said)
    }
}

process {
    $clock.Restart()
    $count = 0
    $isWhole = $true
    $id, $values = $Item.Id, $Item.Parameters
    $records.Add($id)
    # A break that leads out of the script ends this loop and not the caller's.
    do {
        try {
            $command = Find-Command $Item.Script
            & $command @values -Verbose *>&1 | ForEach-Object {
                $count++
                # Most are of this kind, and a function's call would take longer than all else here.
                if ($_ -is [Management.Automation.VerboseRecord]) {
                    $records.Add('verbose')
                    $records.Add($_.Message)
                }
                else { Add-Record $_ }
                if ($isSlow -or $clock.ElapsedMilliseconds -ge 50) {
                    , $records.ToArray()
                    $records.Clear()
                    $records.Add($id)
                }
            }
        }
        catch {
            $count++
            $isWhole = $false
            Add-Record $_
        }
    } while ($false)
    $isSlow = $clock.ElapsedMilliseconds -ge 50
    $records.AddRange([object[]] ('end', $count, $clock.Elapsed.TotalSeconds, $isWhole))
    , $records.ToArray()
    $records.Clear()
}
