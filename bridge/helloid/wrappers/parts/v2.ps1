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
