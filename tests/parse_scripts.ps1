# Reads the scripts named in $env:SCRIPTS_TO_PARSE (a file, one path a line) with PowerShell's own parser and writes what
# is in them as JSON to $env:PARSED_SCRIPTS. Nothing of them is run.
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

function Get-Literal($Ast) { @($Ast.FindAll({ $args[0].GetType().Name -eq 'StringConstantExpressionAst' }, $true) | ForEach-Object { $_.Value }) }

# The keys that a splatted hashtable can have: those of its literals and of the assignments to $name.Key and $name[$key].
function Get-SplatKey($Root, [string] $Name) {
    foreach ($assignment in $Root.FindAll({ $args[0].GetType().Name -eq 'AssignmentStatementAst' }, $true)) {
        $left = $assignment.Left
        if ($left.Extent.Text -eq "`$$Name") {
            foreach ($table in $assignment.Right.FindAll({ $args[0].GetType().Name -eq 'HashtableAst' }, $true)) {
                foreach ($pair in $table.KeyValuePairs) { $pair.Item1.Extent.Text.Trim("'") }
            }
        }
        elseif ($left.GetType().Name -eq 'MemberExpressionAst' -and $left.Expression.Extent.Text -eq "`$$Name") { $left.Member.Extent.Text }
        elseif ($left.GetType().Name -eq 'IndexExpressionAst' -and $left.Target.Extent.Text -eq "`$$Name") {
            $parent = $left.Parent
            while ($parent -and -not ($parent.GetType().Name -eq 'ForEachStatementAst' -and $parent.Variable.Extent.Text -eq $left.Index.Extent.Text)) { $parent = $parent.Parent }
            if ($parent) { Get-Literal $parent.Condition } else { "unknown: $($left.Extent.Text)" }
        }
    }
}

function Read-Command($Root, $Command) {
    $name = $Command.GetCommandName()
    if (-not $name) { $name = $Command.CommandElements[0].Extent.Text }
    $parameters = @{}
    $splatted = @()
    $positional = 0
    $last = $null
    foreach ($element in @($Command.CommandElements | Select-Object -Skip 1)) {
        if ($element.GetType().Name -eq 'CommandParameterAst') {
            $last = $element.ParameterName
            $parameters[$last] = $(if ($element.Argument) { $element.Argument.Extent.Text } else { '' })
            if ($element.Argument) { $last = $null }
        }
        elseif ($element.GetType().Name -eq 'VariableExpressionAst' -and $element.Splatted) {
            $splatted += @(Get-SplatKey $Root $element.VariablePath.UserPath)
            $last = $null
        }
        elseif ($last) { $parameters[$last] = $element.Extent.Text; $last = $null }
        else { $positional++ }
    }
    @{ name = $name; parameters = $parameters; splatted = @($splatted); positional = $positional; line = $Command.Extent.StartLineNumber }
}

function Read-Script([string] $Path) {
    $tokens = $null
    $errors = $null
    $root = [System.Management.Automation.Language.Parser]::ParseFile($Path, [ref] $tokens, [ref] $errors)
    $help = $root.GetHelpContent()
    $topics = @{ synopsis = ''; description = ''; parameters = @(); examples = 0 }
    if ($help) {
        $topics.synopsis = "$($help.Synopsis)"
        $topics.description = "$($help.Description)"
        $topics.parameters = @($help.Parameters.Keys | Where-Object { "$($help.Parameters[$_])".Trim() })
        $topics.examples = @($help.Examples).Count
    }
    $kinds = @{}
    foreach ($node in $root.FindAll({ $true }, $true)) {
        $kinds[$node.GetType().Name] = 1
        if ($node.PSObject.Properties['Background'] -and $node.Background) { $kinds['background'] = 1 }
    }
    foreach ($token in $tokens) { $kinds["token $($token.Kind)"] = 1 }
    foreach ($block in $root.FindAll({ $args[0].GetType().Name -eq 'ScriptBlockAst' }, $true)) {
        if ($block.PSObject.Properties['CleanBlock'] -and $block.CleanBlock) { $kinds['clean'] = 1 }
    }
    $parameters = @()
    if ($root.ParamBlock) {
        $parameters = @(foreach ($parameter in $root.ParamBlock.Parameters) {
            $mandatory = $false
            $values = @()
            foreach ($attribute in $parameter.Attributes) {
                if ($attribute.TypeName.Name -eq 'Parameter') {
                    foreach ($argument in $attribute.NamedArguments) {
                        if ($argument.ArgumentName -eq 'Mandatory' -and $argument.Argument.Extent.Text -ne '$false') { $mandatory = $true }
                    }
                }
                if ($attribute.TypeName.Name -eq 'ValidateSet') { $values = @($attribute.PositionalArguments | ForEach-Object { $_.Value }) }
            }
            $type = @($parameter.Attributes | Where-Object { $_.GetType().Name -eq 'TypeConstraintAst' } | ForEach-Object { $_.TypeName.FullName })
            @{ name = $parameter.Name.VariablePath.UserPath; type = "$($type -join ' ')".ToLowerInvariant(); mandatory = $mandatory; values = @($values) }
        })
    }
    @{
        path       = $Path
        errors     = @($errors | ForEach-Object { $_.Message })
        cmdletbinding = [bool] ($root.ParamBlock -and @($root.ParamBlock.Attributes | Where-Object { $_.TypeName.Name -eq 'CmdletBinding' }).Count)
        help       = $topics
        kinds      = @($kinds.Keys)
        parameters = @($parameters)
        functions  = @($root.FindAll({ $args[0].GetType().Name -eq 'FunctionDefinitionAst' }, $true) | ForEach-Object { $_.Name })
        commands   = @($root.FindAll({ $args[0].GetType().Name -eq 'CommandAst' }, $true) | ForEach-Object { Read-Command $root $_ })
    }
}

$paths = @([IO.File]::ReadAllText($env:SCRIPTS_TO_PARSE) -split '\r?\n' | Where-Object { $_ })
$parsed = @($paths | ForEach-Object { Read-Script $_ })
[IO.File]::WriteAllText($env:PARSED_SCRIPTS, (ConvertTo-Json -InputObject $parsed -Depth 8 -Compress))
