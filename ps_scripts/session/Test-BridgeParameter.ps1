<#
.SYNOPSIS
Tells which parameters of Exchange's cmdlets the roles did not grant.
.DESCRIPTION
A cmdlet that is imported with the connection has the parameters that the roles of the caller grant, and no others. A
cmdlet that is not there at all is not looked at: Get-BridgeState.ps1 names those. Nothing is sent to Exchange.
.PARAMETER Need
What has to be there, as Cmdlet:Parameter. A name may end with a *: then one such parameter is enough.
.EXAMPLE
./Test-BridgeParameter.ps1 -Need Set-Mailbox:LitigationHold*, Set-DistributionGroup:BypassSecurityGroupManagerCheck
.OUTPUTS
One object: Missing, those of the needed ones that are not there.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string[]] $Need
)

$ErrorActionPreference = 'Stop'

$missing = foreach ($one in $Need) {
    $name, $pattern = $one.Split(':')
    if (-not $name -or -not $pattern) {
        Write-Error -ErrorId 'Bridge.NotAParameter' -Category InvalidArgument -TargetObject $one -ErrorAction Stop `
            -Message "'$one' is not a parameter of a cmdlet: it is to be Cmdlet:Parameter."
    }
    $command = Get-Command -Name $name -ListImported -ErrorAction Ignore
    if ($null -eq $command) {
        Write-Verbose "The cmdlet $name is not there."
        continue
    }
    $there = @($command.Parameters.Keys | Where-Object { $_ -like $pattern })
    if ($there.Count -eq 0) {
        $one
    }
}

[pscustomobject]@{
    Missing = @($missing | Sort-Object)
}
