// Pullcord on Azure Container Apps: two replicas over a PostgreSQL that is there already.
//   az deployment group create --resource-group GROUP --template-file docs/deploy/container-app.bicep \
//     --parameters image=… databaseUrl=… secretKey=… teamsAppId=… teamsAppPassword=… teamsTenantId=…
// SQLite is no choice here: its write-ahead log does not work on the network shares of Container Apps.

@description('Region of everything.')
param location string = resourceGroup().location

@description('Name of the app; its environment and log workspace are named after it.')
@minLength(2)
@maxLength(24)
param name string = 'pullcord'

@description('Container image with its registry and tag. The registry must allow pulling without a login, or be added below.')
param image string

@description('postgresql://user:password@host/name?sslmode=require')
@secure()
param databaseUrl string

@description('PULLCORD_SECRET_KEY; `pullcord secret-key` makes one.')
@secure()
param secretKey string

@description('Application (client) id of the bot.')
param teamsAppId string

@description('Client secret of the bot.')
@secure()
param teamsAppPassword string

@description('Tenant of the bot.')
param teamsTenantId string

@description('Mails of the administrators, comma-separated.')
param administrators string = ''

@description('How many replicas. Teams\' limit of 30 messages a second is divided by it.')
@minValue(1)
@maxValue(5)
param replicas int = 2

var port = 3978
var healthPort = 3979
var always = [
  { name: 'PULLCORD_DATABASE_URL', secretRef: 'database-url' }
  { name: 'PULLCORD_SECRET_KEY', secretRef: 'secret-key' }
  { name: 'PULLCORD_TEAMS_APP_ID', value: teamsAppId }
  { name: 'PULLCORD_TEAMS_APP_PASSWORD', secretRef: 'teams-app-password' }
  { name: 'PULLCORD_TEAMS_TENANT_ID', value: teamsTenantId }
  { name: 'PULLCORD_TEAMS_SENDS_PER_SECOND', value: string(30 / replicas) }
  { name: 'PULLCORD_PUBLIC_URL', value: 'https://${name}.${environment.properties.defaultDomain}' }
  { name: 'PULLCORD_HEALTH_PORT', value: string(healthPort) }
  { name: 'PULLCORD_LOG_FORMAT', value: 'json' }
]
var ifGiven = empty(administrators) ? [] : [
  { name: 'PULLCORD_ADMINISTRATORS', value: administrators }
]
var environmentVariables = concat(always, ifGiven)

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${name}-logs'
  location: location
  properties: {
    retentionInDays: 30
    sku: {
      name: 'PerGB2018'
    }
  }
}

resource environment 'Microsoft.App/managedEnvironments@2024-03-01' = {
  name: '${name}-environment'
  location: location
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: logs.properties.customerId
        sharedKey: logs.listKeys().primarySharedKey
      }
    }
  }
}

resource app 'Microsoft.App/containerApps@2024-03-01' = {
  name: name
  location: location
  properties: {
    managedEnvironmentId: environment.id
    configuration: {
      activeRevisionsMode: 'Single'
      // Health and metrics are on another port, which is not reachable from outside.
      ingress: {
        external: true
        targetPort: port
        transport: 'http'
        allowInsecure: false
      }
      secrets: [
        { name: 'database-url', value: databaseUrl }
        { name: 'secret-key', value: secretKey }
        { name: 'teams-app-password', value: teamsAppPassword }
      ]
    }
    template: {
      terminationGracePeriodSeconds: 15
      // Replicas wait for one another; the schema is upgraded once.
      initContainers: [
        {
          name: 'upgrade'
          image: image
          args: [
            'db'
            'upgrade'
          ]
          env: environmentVariables
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
        }
      ]
      containers: [
        {
          name: 'pullcord'
          image: image
          env: environmentVariables
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/healthz'
                port: healthPort
              }
              periodSeconds: 5
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/healthz'
                port: healthPort
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 6
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/readyz'
                port: healthPort
              }
              periodSeconds: 5
              timeoutSeconds: 5
              failureThreshold: 3
            }
          ]
        }
      ]
      scale: {
        minReplicas: replicas
        maxReplicas: replicas
      }
    }
  }
}

@description('PULLCORD_PUBLIC_URL: for the messaging endpoint of the bot and for service hooks.')
output publicUrl string = 'https://${app.properties.configuration.ingress.fqdn}'
