try {
    $Bridge.DryRun = $dryRun -eq $true -or $actionContext.DryRun -eq $true
    $context = ConvertTo-Plain $actionContext
    $context.Remove('Configuration')  # it can hold secrets, and exo-bridge has its own
    $Bridge.Request['actionContext'] = ConvertTo-BridgeJson $context
    Invoke-Bridge $actionContext.Configuration
    Write-BridgeLog
    foreach ($item in $Bridge.Answer.Output) {
        $row = @{}
        foreach ($property in $item.PSObject.Properties) { $row[$property.Name] = $property.Value }
        Write-Output $row
    }
    # An import has no other way to say that it failed.
    if (-not $Bridge.Answer.Success) { Write-Error "$(@($Bridge.Answer.AuditLogs | Where-Object { $_.IsError } | ForEach-Object { $_.Message }) -join ' ')" }
}
catch { Write-Error (Get-BridgeFailure $_) }
