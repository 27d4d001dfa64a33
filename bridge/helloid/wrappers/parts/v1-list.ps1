try {
    $Bridge.IsArray = $true  # HelloID takes one document for each permission
    $Bridge.DryRun = $dryRun -eq $true
    Invoke-Bridge ($configuration | ConvertFrom-Json)
}
catch { throw (Get-BridgeFailure $_) }  # a list has no other way to say that it failed
if (-not $Bridge.Text.StartsWith('[')) { throw "$(@($Bridge.Answer.AuditLogs | Where-Object { $_.IsError } | ForEach-Object { $_.Message }) -join ' ')" }
foreach ($item in $Bridge.Answer) { Write-Output (ConvertTo-BridgeJson $item) }
