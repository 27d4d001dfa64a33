<#
.SYNOPSIS
Removes what connections of the Exchange module left in the temporary folder of this account.
.DESCRIPTION
Each connection makes a folder tmpEXO_*, and one that ended without a disconnect leaves it. Only those that nobody wrote
to for a day are removed: a younger one may be in use. What another program holds open is left and counted, and so is a
folder that another account made in a shared temporary folder. With -DryRun they are counted only.
.PARAMETER DryRun
Say what would be removed, and remove nothing.
.EXAMPLE
./Remove-BridgeLitter.ps1
.OUTPUTS
One object: Status (changed or unchanged), Reason, Removed and Left (the numbers of folders).
#>
[CmdletBinding()]
param(
    [switch] $DryRun
)

$ErrorActionPreference = 'Stop'
$temp = [IO.Path]::GetTempPath()
$old = @([IO.Directory]::GetDirectories($temp, 'tmpEXO_*') | Where-Object {
        [IO.Directory]::GetLastWriteTimeUtc($_) -lt [datetime]::UtcNow.AddDays(-1)
    })
$removed = 0
foreach ($folder in $old) {
    if ($DryRun) { $removed++; continue }
    Write-Verbose "Removing the folder '$folder'."
    try {
        [IO.Directory]::Delete($folder, $true)
        $removed++
    }
    catch {
        Write-Verbose "It is left: $($_.Exception.GetBaseException().GetType().Name)."
    }
}
[pscustomobject]@{
    Status  = $(if ($removed) { 'changed' } else { 'unchanged' })
    Reason  = $(if ($old.Count -eq 0) { 'there is none' } elseif ($removed) { 'it was removed' } else { 'it is in use' })
    Removed = $removed
    Left    = $old.Count - $removed
}
