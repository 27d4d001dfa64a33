# Hands one cmdlet to the tenant and writes what it answers to the streams as the real module does. Needs
# $script:Gateway, a table with Client (an HttpClient), Uri and Connection (an id, or empty when not connected).

function Wait-Task($Task) {
    # A wait without end could not be stopped; PowerShell looks for a stop between statements.
    while (-not ([IAsyncResult] $Task).AsyncWaitHandle.WaitOne(200)) { }
    $Task.GetAwaiter().GetResult()
}

function ConvertTo-Plain($Value) {
    # As the real module flattens arguments: dates in UTC, tables and lists item by item, the rest as a string.
    if ($null -eq $Value) { return $null }
    if ($Value -is [Management.Automation.SwitchParameter]) { return $Value.IsPresent }
    if ($Value -is [Security.SecureString]) { return [Net.NetworkCredential]::new('', $Value).Password }
    if ($Value -is [Management.Automation.PSCredential]) {
        return @{ UserName = $Value.UserName; Password = (ConvertTo-Plain $Value.Password) }
    }
    if ($Value -is [Security.Cryptography.X509Certificates.X509Certificate2]) { return $Value.Thumbprint }
    if ($Value -is [datetime]) {
        return $Value.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ss.fffffffZ', [Globalization.CultureInfo]::InvariantCulture)
    }
    if ($Value -is [bool] -or $Value -is [int] -or $Value -is [long] -or $Value -is [uint32]) { return $Value }
    if ($Value -is [Collections.IDictionary]) {
        $table = @{}
        foreach ($key in $Value.Keys) { $table["$key"] = ConvertTo-Plain $Value[$key] }
        return $table
    }
    if ($Value -is [Collections.IEnumerable] -and $Value -isnot [string]) {
        $list = @(foreach ($item in $Value) { , (ConvertTo-Plain $item) })
        return , $list
    }
    "$Value"
}

function Send-Gateway([string] $Path, [Collections.IDictionary] $Body) {
    # One document a line; each is written as it arrives, so a long list streams and can be stopped.
    $ErrorActionPreference = 'Stop'
    $json = ConvertTo-Json -InputObject (ConvertTo-Plain $Body) -Depth 10 -Compress
    $request = [Net.Http.HttpRequestMessage]::new('POST', [uri] ($script:Gateway.Uri + $Path))
    $response = $null
    try {
        $request.Content = [Net.Http.StringContent]::new($json, [Text.Encoding]::UTF8, 'application/json')
        $response = Wait-Task $script:Gateway.Client.SendAsync($request, 'ResponseHeadersRead')
        if (-not $response.IsSuccessStatusCode) { throw "The simulated tenant answers $([int] $response.StatusCode)." }
        $reader = [IO.StreamReader]::new((Wait-Task $response.Content.ReadAsStreamAsync()), [Text.Encoding]::UTF8)
        while ($null -ne ($line = Wait-Task $reader.ReadLineAsync())) {
            [Management.Automation.PSSerializer]::Deserialize($line)
        }
    }
    finally {
        if ($null -ne $response) { $response.Dispose() }
        $request.Dispose()
    }
}

function New-Record($Failure) {
    # PowerShell adds the writer's name to an error id, so the id here is without it. Errors that Exchange sends are
    # plain exceptions; what the module or the binder raises has its own type.
    $exception = $null
    if ($Failure.Terminating) {
        $type = $Failure.ExceptionType -as [type]
        if ($null -ne $type -and $type.IsSubclassOf([Exception])) { try { $exception = $type::new($Failure.Message) } catch { $exception = $null } }
    }
    if ($null -eq $exception) {
        $exception = [Exception]::new($Failure.Message)
        # A type of a library that is not there is a name only, which is what a remote client sees of it.
        if ($Failure.Terminating) { $exception.PSObject.TypeNames.Insert(0, $Failure.ExceptionType) }
    }
    $target = $(if ($Failure.Target) { $Failure.Target } else { $null })
    $record = [Management.Automation.ErrorRecord]::new($exception, $Failure.ErrorId, $Failure.Category, $target)
    $record.CategoryInfo.Reason = $Failure.Reason
    $record.CategoryInfo.Activity = $Failure.Activity
    $record
}

function Write-ErrorMessage {
    # Its name stands in the id of every error that Exchange sends. -ErrorAction of the cmdlet reaches it by scope.
    [CmdletBinding()]
    param([Management.Automation.ErrorRecord] $ErrorObject)
    $PSCmdlet.WriteError($ErrorObject)
}

function Invoke-ExchangeCommand {
    param([string] $Cmdlet, $Caller, [Collections.IDictionary] $Bound, [switch] $Asks)
    if ($Asks) {
        # In a host that nobody answers the question is an error, which must not let the change go through.
        $agreed = $false
        try { $agreed = $Caller.ShouldProcess("$($Bound['Identity'])$($Bound['Name'])") }
        catch {
            $record = $_
            if ($_.Exception.InnerException -is [Management.Automation.IContainsErrorRecord]) { $record = $_.Exception.InnerException.ErrorRecord }
            $Caller.ThrowTerminatingError($record)
        }
        if (-not $agreed) { return }
    }
    $common = [Management.Automation.PSCmdlet]::CommonParameters + 'WhatIf' + 'Confirm'
    $parameters = @{}
    foreach ($name in $Bound.Keys) { if ($common -notcontains $name) { $parameters[$name] = $Bound[$name] } }
    $global:EXO_LastExecutionStatus = $false
    $failed = $false
    Send-Gateway 'invoke' @{ connection = $script:Gateway.Connection; cmdlet = $Cmdlet; parameters = $parameters } | ForEach-Object {
        foreach ($warning in $_.Warnings) { Write-Warning $warning }
        foreach ($failure in $_.Errors) {
            $failed = $true
            $record = New-Record $failure
            if (-not $failure.Terminating) { Write-ErrorMessage $record }
            elseif ($failure.Suffix) { $Caller.ThrowTerminatingError($record) }
            else { throw $record }
        }
        $_.Output
    }
    $global:EXO_LastExecutionStatus = -not $failed
}
