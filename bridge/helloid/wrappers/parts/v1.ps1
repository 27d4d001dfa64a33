try {
    $Bridge.DryRun = $dryRun -eq $true
    $Bridge.Request['dryRun'] = ConvertTo-BridgeJson $Bridge.DryRun
    foreach ($name in 'person', 'manager', 'accountReference', 'managerAccountReference', 'permissionReference', 'entitlementContext', 'operation', 'resourceContext') {
        $value = Get-Variable -Name $name -ValueOnly -ErrorAction SilentlyContinue
        if ($value -isnot [string]) { $Bridge.Request[$name] = ConvertTo-BridgeJson $value; continue }
        try { $Bridge.Request[$name] = $(if ($value.Trim()) { [void] (ConvertFrom-Json $value -ErrorAction Stop); $value } else { 'null' }) }
        catch { $Bridge.Request[$name] = ConvertTo-BridgeJson $value }  # a text that is no JSON
    }
    Invoke-Bridge ($configuration | ConvertFrom-Json)
    Write-Output $Bridge.Text
}
catch {
    $answer = [ordered] @{ Success = $false; AuditLogs = @(@{ Message = Get-BridgeFailure $_; IsError = $true }) }
    if ($Bridge.Request.action -eq '"subpermissions"') { $answer.SubPermissions = @(($entitlementContext | ConvertFrom-Json).CurrentPermissions) }
    Write-Output (ConvertTo-BridgeJson $answer)
}
