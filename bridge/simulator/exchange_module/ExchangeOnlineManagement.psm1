# The module of the simulated tenant. Connect-ExchangeOnline imports the functions that the tenant grants as a temporary
# module; each hands its call over the loopback. Nothing here reaches Exchange Online.
# Runs on Windows PowerShell 5.1 and PowerShell 7. The lines that begin with #< are replaced when the module is written.

#<client>

if ($PSVersionTable.PSEdition -ne 'Core') { Add-Type -AssemblyName System.Net.Http }
$script:Handler = [Net.Http.HttpClientHandler]::new()
$script:Handler.UseProxy = $false
$script:Client = [Net.Http.HttpClient]::new($script:Handler)
$script:Client.Timeout = [Threading.Timeout]::InfiniteTimeSpan
$script:Client.DefaultRequestHeaders.Add('X-Simulator-Token', "$env:EXO_BRIDGE_SIMULATOR_TOKEN")
$script:Gateway = @{ Client = $script:Client; Uri = "$env:EXO_BRIDGE_SIMULATOR_URL"; Connection = '' }
# Connections in the order in which they were made: Id, Module, Prefix. The Get-EXO* cmdlets use the last.
$script:Connections = [Collections.Generic.List[object]]::new()

function Connect-ExchangeOnline {
    [CmdletBinding()]
    param(
#<parameters of Connect-ExchangeOnline>
    )
    $ErrorActionPreference = 'Stop'
    if ($Prefix -and $Prefix -notmatch '^[a-z0-9]+$') {
        throw 'Use of any special characters in the Prefix string is not supported.'
    }
    if ($Prefix -eq 'EXO') { throw "Prefix 'EXO' is a reserved Prefix, please use a different prefix." }
    foreach ($name in 'ConnectionUri', 'AzureADAuthorizationEndpointUri') {
        $address = $PSBoundParameters[$name]
        if ($address -and $address -notmatch '^https://') { throw "Invalid $name parameter '$address'" }
    }
    if (-not $PSBoundParameters.ContainsKey('ShowBanner') -or $ShowBanner) {
        Write-Host -ForegroundColor Yellow 'This is the simulated Exchange Online of exo-bridge. Suppress this with -ShowBanner:$false.'
    }
    $global:EXO_LastExecutionStatus = $false
    $common = [Management.Automation.PSCmdlet]::CommonParameters
    $parameters = @{}
    foreach ($name in $PSBoundParameters.Keys) { if ($common -notcontains $name) { $parameters[$name] = $PSBoundParameters[$name] } }
    $reply = Send-Gateway 'connect' @{ parameters = $parameters }
    foreach ($warning in $reply.Warnings) { Write-Warning $warning }
    foreach ($failure in $reply.Errors) {
        $record = New-Record $failure
        if ($failure.Suffix) { $PSCmdlet.ThrowTerminatingError($record) }
        throw $record
    }
    $opened = $reply.Output
    $name = 'tmpEXO_' + [IO.Path]::GetRandomFileName()
    $gateway = @{ Client = $script:Client; Uri = $script:Gateway.Uri; Connection = $opened.ConnectionId }
    $text = "param(`$Given)`n`$script:Gateway = `$Given`n" + $opened.Module
    $exported = @($opened.Functions)
    $module = New-Module -Name $name -ScriptBlock ([scriptblock]::Create($text)) -Function $exported -ArgumentList $gateway
    Import-Module -ModuleInfo $module -Global -DisableNameChecking -Verbose:$false
    $script:Connections.Add([pscustomobject]@{ Id = $opened.ConnectionId; Module = $name; Prefix = $Prefix })
    $script:Gateway.Connection = $opened.ConnectionId
    $global:EXO_LastExecutionStatus = $true
}

function Find-Connection([string[]] $ConnectionId, [string[]] $ModulePrefix) {
    $script:Connections | Where-Object {
        (-not $ConnectionId -or $ConnectionId -contains $_.Id) -and (-not $ModulePrefix -or $ModulePrefix -contains $_.Prefix)
    }
}

function Disconnect-ExchangeOnline {
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High', DefaultParameterSetName = 'All')]
    param(
        [Parameter(ParameterSetName = 'ConnectionId', Mandatory = $true, ValueFromPipelineByPropertyName = $true)] [string[]] $ConnectionId,
        [Parameter(ParameterSetName = 'ModulePrefix', Mandatory = $true)] [string[]] $ModulePrefix
    )
    process {
        $agreed = $false
        try { $agreed = $PSCmdlet.ShouldProcess('Running this cmdlet clears all active sessions created using Connect-ExchangeOnline.') }
        catch { $PSCmdlet.ThrowTerminatingError($_) }
        if (-not $agreed) { return }
        foreach ($connection in @(Find-Connection $ConnectionId $ModulePrefix)) {
            $null = Send-Gateway 'disconnect' @{ connection = $connection.Id }
            # In the session of whoever calls: from within this module the functions of the other would stay.
            $remove = "Remove-Module -Name '$($connection.Module)' -Force -Confirm:`$false -Verbose:`$false"
            $null = $PSCmdlet.InvokeCommand.InvokeScript($PSCmdlet.SessionState, [scriptblock]::Create($remove))
            $null = $script:Connections.Remove($connection)
        }
        # Not Select-Object, which is another one in a JEA endpoint.
        $last = @($script:Connections)[-1]
        $script:Gateway.Connection = $(if ($null -ne $last) { $last.Id } else { '' })
        Write-Information 'Disconnected successfully !'
    }
}

function Get-ConnectionInformation {
    [CmdletBinding(DefaultParameterSetName = 'All')]
    param(
        [Parameter(ParameterSetName = 'ConnectionId', Mandatory = $true)] [string[]] $ConnectionId,
        [Parameter(ParameterSetName = 'ModulePrefix', Mandatory = $true)] [string[]] $ModulePrefix
    )
    foreach ($connection in @(Find-Connection $ConnectionId $ModulePrefix)) {
        foreach ($row in (Send-Gateway 'information' @{ connection = $connection.Id }).Output) {
            # What only this process knows.
            foreach ($pair in @(
                    @('ModuleName', $connection.Module), @('ModulePrefix', $connection.Prefix),
                    @('ConnectionUsedForInbuiltCmdlets', ($connection.Id -eq $script:Gateway.Connection))
                )) {
                $row.PSObject.Properties.Add([Management.Automation.PSNoteProperty]::new($pair[0], $pair[1]), $true)
            }
            $row
        }
    }
}

#<inbuilt functions>
