# exo-bridge for HelloID, contract v2, sharedmailbox-rights: grants and revokes the permissions of a person's departments.
# Made by `exo-bridge helloid wrappers`, which replaces it. README.md says in which field of HelloID it goes.
$Bridge = @{ Clock = [Diagnostics.Stopwatch]::StartNew(); Seconds = 30; PreviewSeconds = 30 }
$Bridge.Changes = $true
$Bridge.Request = [ordered] @{ contract = '"v2"'; action = '"subpermissions"'; target = '"sharedmailbox-rights"' }
#region The same lines in every script of exo-bridge
function ConvertTo-Plain($Value) {
    # Tables, lists and texts alone, so that Windows PowerShell and PowerShell write the same JSON of it.
    if ($Value -is [datetime] -or $Value -is [DateTimeOffset]) { return $Value.ToString('o') }
    if ($Value -is [guid]) { return $Value.ToString() }
    if ($Value -is [Collections.IDictionary] -or $Value -is [Management.Automation.PSCustomObject]) {
        $table = [ordered] @{}
        if ($Value -is [Collections.IDictionary]) { foreach ($key in $Value.Keys) { $table["$key"] = ConvertTo-Plain $Value[$key] } }
        else { foreach ($property in $Value.PSObject.Properties) { $table[$property.Name] = ConvertTo-Plain $property.Value } }
        return $table
    }
    if ($Value -is [Collections.IEnumerable] -and $Value -isnot [string]) {
        $list = New-Object Collections.ArrayList
        foreach ($item in $Value) { [void] $list.Add((ConvertTo-Plain $item)) }
        return , $list
    }
    return $Value
}
function ConvertTo-BridgeJson($Value) {
    if ($null -eq $Value) { return 'null' }
    ConvertTo-Json -InputObject (ConvertTo-Plain $Value) -Depth 50 -Compress
}
function ConvertFrom-BridgeJson([string] $Text) {
    $asText = @{}  # PowerShell makes dates of texts that look like dates, unless it can be told not to
    if ((Get-Command ConvertFrom-Json).Parameters.ContainsKey('DateKind')) { $asText.DateKind = 'String' }
    ConvertFrom-Json -InputObject $Text -ErrorAction Stop @asText
}
function Get-BridgeTime { [int] [Math]::Max(1, 1000 * ($Bridge.Seconds - 2) - $Bridge.Clock.ElapsedMilliseconds) }
function Get-BridgeRequest([int] $Margin) {
    # One line in UTF-8; deadline is how many seconds exo-bridge has.
    $Bridge.Request['deadline'] = [Math]::Max(1, [Math]::Floor((Get-BridgeTime) / 1000) - $Margin).ToString('0')
    $fields = foreach ($name in $Bridge.Request.Keys) { '"{0}":{1}' -f $name, $Bridge.Request[$name] }
    , [Text.Encoding]::UTF8.GetBytes((('{' + ($fields -join ',') + '}') -replace '[\r\n]+', ' ') + "`n")
}
function Assert-BridgeOwner($Client) {
    # Throws unless the pipe is this user's, also where that cannot be seen. .NET compares with the owner of what a
    # process makes, which for an administrator is all administrators; the resident process's pipe is the user's own.
    $rights = if ($PSVersionTable.PSVersion.Major -lt 6) { $Client.GetAccessControl() } else { [IO.Pipes.PipesAclExtensions]::GetAccessControl($Client) }
    $owner = $rights.GetOwner([Security.Principal.SecurityIdentifier])
    if ($null -eq $owner -or $owner -ne [Security.Principal.WindowsIdentity]::GetCurrent().User) { throw "the pipe is $owner's" }
}
function Invoke-BridgeResident([string] $Pipe) {
    # The answer of the resident process; nothing where none listens.
    # Another account's that took the name gets nothing: .NET looks at the owner, and on Windows we do.
    $isOnWindows = [IO.Path]::DirectorySeparatorChar -eq '\'
    $options = 'Asynchronous' + $(if (-not $isOnWindows) { ', CurrentUserOnly' })
    $client = New-Object IO.Pipes.NamedPipeClientStream '.', $Pipe, 'InOut', $options, 'Identification'
    try {
        try {
            $client.Connect(200)
            if ($isOnWindows) { Assert-BridgeOwner $client }
        }
        catch { Write-Verbose "No resident process: $($_.Exception.GetBaseException().Message)"; return }
        $request = Get-BridgeRequest 1
        $Bridge.Sent = $true
        if (-not $client.WriteAsync($request, 0, $request.Length).Wait((Get-BridgeTime))) { throw 'the resident process did not take the request in time' }
        $buffer = New-Object byte[] 65536
        $answer = New-Object IO.MemoryStream
        do {
            $reading = $client.ReadAsync($buffer, 0, $buffer.Length)
            if (-not $reading.Wait((Get-BridgeTime))) { throw 'the resident process gave no answer in time' }
            $answer.Write($buffer, 0, $reading.Result)
        } while ($reading.Result -gt 0 -and $buffer[$reading.Result - 1] -ne 10)
        if ($answer.Length -eq 0) { throw 'the resident process ended without an answer' }
        [Text.Encoding]::UTF8.GetString($answer.ToArray())
    }
    finally { $client.Dispose() }
}
function Invoke-BridgeProcess([string] $Path) {
    # The answer of one process for this action, which is ended when the time is up.
    $start = New-Object Diagnostics.ProcessStartInfo $Path, 'helloid'
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardInput = $start.RedirectStandardOutput = $start.RedirectStandardError = $true
    # To a pipe Python writes in the code page of Windows unless it is told.
    try { $start.EnvironmentVariables['PYTHONIOENCODING'] = 'utf-8' } catch { Write-Verbose "The encoding could not be set: $($_.Exception.Message)" }
    try { $process = [Diagnostics.Process]::Start($start) }
    catch { throw "$Path could not be started ($($_.Exception.GetBaseException().Message)); see ExoBridgePath in the configuration" }
    try {
        $output = New-Object IO.MemoryStream
        $errors = New-Object IO.MemoryStream
        $reading = $process.StandardOutput.BaseStream.CopyToAsync($output), $process.StandardError.BaseStream.CopyToAsync($errors)
        $request = Get-BridgeRequest 4
        $Bridge.Sent = $true
        try { [void] $process.StandardInput.BaseStream.WriteAsync($request, 0, $request.Length).Wait((Get-BridgeTime)); $process.StandardInput.Close() }
        catch { $Bridge.Sent = $false }  # it ended before it had the whole request
        $inTime = [Threading.Tasks.Task]::WaitAll([Threading.Tasks.Task[]] $reading, (Get-BridgeTime)) -and $process.WaitForExit((Get-BridgeTime))
        if (-not $inTime) { throw 'it gave no answer in time and was ended' }
        if ($process.ExitCode -eq 2) { $Bridge.Sent = $false }  # wrong usage or settings
        $Bridge.ExitCode = $process.ExitCode
        $said = ([Text.Encoding]::UTF8.GetString($errors.ToArray()) -replace '\s+', ' ').Trim()
        $Bridge.Errors = $said.Substring([Math]::Max(0, $said.Length - 300))
        [Text.Encoding]::UTF8.GetString($output.ToArray())
    }
    finally {
        if (-not $process.HasExited) { $process.Kill() }
        $process.Dispose()
    }
}
function Start-BridgeResident([string] $Path, [string] $Pipe, [string] $Settings) {
    # For the actions to come; this one has a process of its own.
    $start = New-Object Diagnostics.ProcessStartInfo $Path, ('helloid serve --pipe "{0}"' -f $Pipe)
    if ($Settings) { $start.Arguments += ' --settings "{0}"' -f $Settings }
    $start.UseShellExecute = $true  # it inherits nothing then, so nobody waits for it
    $start.WindowStyle = 'Hidden'
    try { [Diagnostics.Process]::Start($start).Dispose() } catch { Write-Verbose "The resident process could not be started: $($_.Exception.Message)" }
}
function Invoke-Bridge($Configuration) {
    # Sets $Bridge.Text and $Bridge.Answer, or throws why there is none.
    $path = "$($Configuration.ExoBridgePath)".Trim()
    $pipe = "$($Configuration.Pipe)".Trim()
    $settings = "$($Configuration.SettingsPath)".Trim()
    if (-not $path) { $path = 'exo-bridge' }
    if (-not $pipe) { $pipe = 'exo-bridge-helloid' }
    if ($Bridge.DryRun) { $Bridge.Seconds = $Bridge.PreviewSeconds }
    if ("$($Configuration.TimeLimit)" -match '^\s*\d+\s*$') { $Bridge.Seconds = [int] $Configuration.TimeLimit }
    if ($settings) { $Bridge.Request['settings'] = ConvertTo-BridgeJson $settings }
    $text = $null
    if ("$($Configuration.UseResident)" -eq 'true') {
        $text = Invoke-BridgeResident $pipe
        if ("$text" -match '^\s*\{\s*"refused"') { $Bridge.Sent = $false; Write-Verbose "The resident process does not take this: $text"; $text = $null }
        elseif (-not $text) { Start-BridgeResident $path $pipe $settings }
    }
    if (-not $text) { $text = Invoke-BridgeProcess $path }
    $Bridge.Text = $text.TrimStart([char] 0xFEFF).Trim()
    $isWhole = $false
    try {
        $Bridge.Answer = ConvertFrom-BridgeJson $Bridge.Text
        $isWhole = $Bridge.Answer.Success -is [bool] -or ($Bridge.IsArray -and $Bridge.Text.StartsWith('['))
    }
    catch { $Bridge.Answer = $null }
    if ($Bridge.ExitCode -and -not ($isWhole -and $Bridge.Answer.Success -eq $false)) { throw "it ended with exit code $($Bridge.ExitCode). $($Bridge.Errors)" }
    if (-not $isWhole) { throw 'its answer is empty or cannot be read' }
}
function Get-BridgeFailure($Problem) {
    # What an audit line says of a failure: its cause, and whether something may have been changed.
    $cause = "exo-bridge failed: $($Problem.Exception.GetBaseException().Message.TrimEnd('.', ' '))."
    if (-not ($Bridge.Sent -and $Bridge.Changes -and -not $Bridge.DryRun)) { return "$cause Nothing was changed." }
    "$cause The change may or may not have been made; it is looked at again at the next action on this object."
}
function Write-BridgeLog {
    foreach ($line in $Bridge.Answer.Logs) {
        if ($line.Level -eq 'warning') { Write-Warning $line.Message }
        elseif ($line.Level -eq 'information') { Write-Information $line.Message }
        else { Write-Verbose $line.Message }
    }
}
#endregion
try {
    $Bridge.DryRun = $actionContext.DryRun -eq $true
    foreach ($name in 'actionContext', 'personContext', 'resourceContext') {
        $context = ConvertTo-Plain (Get-Variable -Name $name -ValueOnly -ErrorAction SilentlyContinue)
        if ($name -eq 'actionContext') { $context.Remove('Configuration') }  # it can hold secrets, and exo-bridge has its own
        $Bridge.Request[$name] = ConvertTo-BridgeJson $context
    }
    Invoke-Bridge $actionContext.Configuration
    Write-BridgeLog
    foreach ($name in 'AccountReference', 'AccountCorrelated', 'Data', 'PreviousData') {
        if ($Bridge.Answer.PSObject.Properties[$name]) { $outputContext.$name = $Bridge.Answer.$name }
    }
    foreach ($name in 'AuditLogs', 'Permissions', 'SubPermissions') {
        foreach ($item in $Bridge.Answer.$name) { [void] $outputContext.$name.Add($item) }
    }
    $outputContext.Success = $Bridge.Answer.Success
}
catch {
    $outputContext.Success = $false
    [void] $outputContext.AuditLogs.Add([PSCustomObject] @{ Message = Get-BridgeFailure $_; IsError = $true })
}
if ($Bridge.Request.action -eq '"subpermissions"' -and -not $outputContext.Success -and $outputContext.SubPermissions.Count -eq 0) {
    # HelloID would forget what it is not told of.
    foreach ($permission in $actionContext.CurrentPermissions) { [void] $outputContext.SubPermissions.Add($permission) }
}
