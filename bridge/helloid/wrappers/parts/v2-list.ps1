# HelloID takes a list that failed for an empty one, unless there is an error.
if (-not $outputContext.Success) { Write-Error "$(@($outputContext.AuditLogs | Where-Object { $_.IsError } | ForEach-Object { $_.Message }) -join ' ')" }
