@{
    RootModule        = 'ExchangeOnlineManagement.psm1'
    ModuleVersion     = '0.0.0'
    GUID              = '6f6f0d61-6a0e-4a1f-9d3c-5b1b8f5f7a52'
    Author            = 'exo-bridge'
    Description       = 'Stands in for the module of this name; its cmdlets reach a simulated tenant on this computer.'
    PowerShellVersion = '5.1'
    FunctionsToExport = @('*')
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
